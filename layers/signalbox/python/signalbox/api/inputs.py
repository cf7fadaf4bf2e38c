"""Strict input: one model per endpoint, every parameter declared, named when it is wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from signalbox.api.problems import ProblemError
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso
from signalbox.domain.signals.signal import Status

Model = TypeVar("Model", bound=BaseModel)


def _moment(text: str) -> datetime:
    try:
        return from_iso(text)
    except (InvalidValueError, OverflowError) as e:
        raise ValueError(str(e)) from e


Symbol = Annotated[str, StringConstraints(pattern=r"^[^\s/]{1,30}/[^\s/]{1,30}$", max_length=61)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


class SignalsQuery(BaseModel):
    """Parameters of the feed of signals."""

    model_config = ConfigDict(extra="forbid")

    symbol: Symbol | None = None
    status: Status | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None


class HistoryQuery(SignalsQuery):
    """Parameters of the history: the feed's, and a span of `created_at` (`from` included, `to` not)."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")


def read_query(model: type[Model], parameters: Any) -> Model:
    """Return the validated query parameters of a request.

    `parameters` is Chalice's multi-value mapping, or None. Raises ProblemError (400) naming every field that is
    unknown, wrong, or given more than once.
    """
    found: dict[str, Sequence[str]] = {name: parameters.getlist(name) for name in parameters or ()}
    repeated = [name for name, values in found.items() if len(values) > 1]
    if repeated:
        raise _refusal({name: f"must be given once, was given {len(found[name])} times" for name in repeated})
    try:
        return model.model_validate({name: values[0] for name, values in found.items()})
    except ValidationError as e:
        raise _refusal({_field(error): _detail(error) for error in e.errors()}) from e


def _refusal(details: Mapping[str, str]) -> ProblemError:
    errors = [{"field": field, "detail": detail} for field, detail in details.items()]
    summary = "; ".join(f"{field}: {detail}" for field, detail in details.items())
    return ProblemError(HTTPStatus.BAD_REQUEST, summary, errors)


def _field(error: Any) -> str:
    return str(error["loc"][0]) if error["loc"] else "query"


def _detail(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a parameter of this endpoint"
    return f"{error['msg']}, was {str(error['input'])[:120]!r}"
