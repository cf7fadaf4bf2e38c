"""The one shape of every refusal: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from chalice.app import ChaliceUnhandledError, Response

MEDIA_TYPE = "application/problem+json"


class ProblemError(ChaliceUnhandledError):
    """A request that cannot be answered as asked. Chalice lets this kind of error through to the middleware.

    Parameters
    ----------
    status : HTTPStatus
        4xx.
    detail : str
        What was expected and what was found.
    errors : sequence of mapping, optional
        One `{"field": ..., "detail": ...}` for each input that was wrong.
    headers : mapping, optional
        Headers of the answer (`Retry-After`, `WWW-Authenticate`).
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def body(status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """Return the problem document of a refusal."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    return {**problem, "errors": list(errors)} if errors else problem


def response(problem: ProblemError) -> Response:
    """Return the answer that carries a problem."""
    return Response(
        body=body(problem.status, problem.detail, problem.errors),
        status_code=int(problem.status),
        headers={**problem.headers, "Content-Type": MEDIA_TYPE},
    )


def refused(field: str, detail: str) -> ProblemError:
    """Return the refusal (400) of one input."""
    return ProblemError(HTTPStatus.BAD_REQUEST, f"{field}: {detail}", [{"field": field, "detail": detail}])


def not_found(what: str) -> ProblemError:
    """Return the refusal for something that is not there, or that the caller may not see: both look the same."""
    return ProblemError(HTTPStatus.NOT_FOUND, f"no {what}")
