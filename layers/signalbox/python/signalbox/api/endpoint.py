"""One declaration per endpoint: it validates the input, says who may ask, and becomes a page of the documentation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from math import ceil
from typing import Any

from chalice.app import Blueprint
from pydantic import BaseModel, ConfigDict

from signalbox.api.access import require
from signalbox.api.inputs import read_body, read_query
from signalbox.api.problems import ProblemError
from signalbox.domain.accounts.account import Scope
from signalbox.domain.errors import RateLimitedError, TransientError

JSON = "application/json"
ANY_TYPE = ("*/*",)
RETRY_SECONDS = 1
"""When to come back, where what failed for a while did not say."""


class NoParameters(BaseModel):
    """The query of an endpoint that takes none."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What is declared of one method of one path.

    Attributes
    ----------
    method, path : str
        `GET`; the path with its parameters in braces.
    answers : mapping of int to type, mapping or None
        By status: the shape of a JSON document, or shapes by media type, or None for no body.
    query, body : type of BaseModel, optional
        What may be sent. Without `query` every parameter is refused; without `body` a body is ignored.
    scope : Scope, optional
        What a key must be for; without one, anybody may ask.
    is_open : bool
        Whether no authorizer is asked, so that no key is looked at (`Auth: NONE` in the template).
    is_checked : bool
        Whether its answers have validators, so that a caller who has one may be told that it still holds (304).
    refusals : tuple of HTTPStatus
        The 4xx of this endpoint, beyond those that every endpoint has.
    content_types : tuple of str
        What a body may be.
    example : mapping, optional
        A body that would be taken.
    summary, description : str
        From the view's docstring: its first sentence, and the rest.
    """

    method: str
    path: str
    answers: Mapping[int, Any]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    scope: Scope | None = None
    is_open: bool = False
    is_checked: bool = False
    refusals: tuple[HTTPStatus, ...] = ()
    content_types: tuple[str, ...] = ANY_TYPE
    example: Mapping[str, Any] | None = None
    summary: str = ""
    description: str = ""


@dataclass
class Endpoints:
    """The endpoints of one noun: a Chalice blueprint, and what is declared of its routes.

    A view gets what its endpoint declares, by name: `account` (with a scope), `query`, `body`, and the parameters of
    its path.
    """

    routes: Blueprint
    declared: list[Endpoint] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        answer: Any = None,
        *,
        status: int = HTTPStatus.OK,
        others: Mapping[int, Any] | None = None,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        scope: Scope | None = None,
        is_open: bool = False,
        is_checked: bool = False,
        refusals: tuple[HTTPStatus, ...] = (),
        content_types: tuple[str, ...] | None = None,
        example: Mapping[str, Any] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare an endpoint and route it to the decorated view. `answer` is what `status` carries, `others` what
        further statuses do; the rest is as in `Endpoint`."""
        accepted = content_types or ((JSON,) if body else ANY_TYPE)

        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            summary, _, description = " ".join((view.__doc__ or "").split()).partition(". ")
            endpoint = Endpoint(
                method=method, path=path, answers={int(status): answer, **(others or {})}, query=query, body=body,
                scope=scope, is_open=is_open, is_checked=is_checked, refusals=refusals, content_types=accepted,
                example=example, summary=summary.rstrip("."), description=description,
            )  # fmt: skip
            self.declared.append(endpoint)
            routed = self._checked(view, endpoint)
            self.routes.route(path, methods=[method], content_types=list(accepted))(routed)
            return routed

        return declare

    def _checked(self, view: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Any]:
        """Return a view that is called only with what its endpoint declares."""

        @wraps(view)
        def answer(**arguments: str) -> Any:
            request = self.routes.current_request
            given: dict[str, Any] = dict(arguments)
            try:
                if endpoint.scope is not None:
                    given["account"] = require(request.context, endpoint.scope)
                asked = read_query(endpoint.query or NoParameters, request.query_params)
                if endpoint.query is not None:
                    given["query"] = asked
                if endpoint.body is not None:
                    given["body"] = read_body(endpoint.body, request)
                return view(**given)
            except TransientError as e:
                raise unavailable(e) from e

        return answer


def unavailable(error: TransientError) -> ProblemError:
    """Return the refusal for what may succeed later. What failed is in the log, not in the answer."""
    wait = max(RETRY_SECONDS, ceil(error.retry_after)) if isinstance(error, RateLimitedError) else RETRY_SECONDS
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "something this needs is busy at this moment; ask again",
        headers={"Retry-After": str(wait)},
    )
