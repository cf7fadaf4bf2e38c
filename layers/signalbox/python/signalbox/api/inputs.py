"""Strict input: one model per endpoint, every parameter declared, named when it is wrong."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, WithJsonSchema

from signalbox.api.problems import ProblemError, refused
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import MARKET, RULES

Model = TypeVar("Model", bound=BaseModel)


FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)
"""What may be asked for lies between them; so spans around it can be computed with."""


def _moment(text: str) -> datetime:
    try:
        moment = from_iso(text)
    except (InvalidValueError, OverflowError) as e:
        raise ValueError(str(e)) from e
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise ValueError(f"must lie from {FIRST_MOMENT:%Y} to {LAST_MOMENT:%Y}")
    return moment


Symbol = Annotated[str, StringConstraints(pattern=r"^[^\s/]{1,30}/[^\s/]{1,30}$", max_length=61)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


def _sentiment_timeframe(text: str) -> Timeframe:
    if text not in RULES:
        raise ValueError(f"must be one of {', '.join(RULES)}")
    return Timeframe(text)


SentimentTimeframe = Annotated[
    Timeframe,
    BeforeValidator(_sentiment_timeframe),
    WithJsonSchema({"type": "string", "enum": [str(each) for each in RULES]}),
]


class SentimentQuery(BaseModel):
    """Parameters of the sentiment: an asset's code or `MARKET`, and a span of `created_at` (`to` not included)."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    asset: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,20}$")] = MARKET
    timeframe: SentimentTimeframe = Timeframe.H1
    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")
    limit: Annotated[int, Field(ge=1, le=500)] = 168


def require_order(since: datetime | None, until: datetime | None) -> None:
    """Raise ProblemError (400) if a span whose two ends are given ends before it begins."""
    if since is not None and until is not None and until < since:
        raise refused("to", "must not be before from")


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
        raise _refusal({_field(error): _detail(error, model) for error in e.errors()}) from e


def read_body(model: type[Model], request: Any) -> Model:
    """Return the validated JSON body of a request.

    Raises ProblemError (400) naming every field that is unknown or wrong; what was found is not repeated, as a body may
    hold secrets.
    """
    try:
        # Not Chalice's own reading: that sees no JSON where nothing, or `Application/JSON`, is said to be in the body.
        found = json.loads(request.raw_body)
    except (ValueError, RecursionError) as e:  # ValueError: no JSON, no UTF-8, no Base64
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body must be JSON, was not") from e
    if not isinstance(found, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body must be a JSON object, was not")
    return validated(model, found)


def validated(model: type[Model], found: Mapping[str, Any]) -> Model:
    """Return what was found in a body as `model`; raise ProblemError (400) as `read_body` does."""
    try:
        return model.model_validate(found)
    except ValidationError as e:
        raise _refusal({_place(error): _wanted(error) for error in e.errors()}) from e


def _place(error: Any) -> str:
    return ".".join(str(part)[:60] for part in error["loc"]) or "body"


def _wanted(error: Any) -> str:
    # Of our own validators' words pydantic makes "Value error, ...".
    said = str(error["msg"]).removeprefix("Value error, ")
    return "is not a field of this request" if error["type"] == "extra_forbidden" else said


def _refusal(details: Mapping[str, str]) -> ProblemError:
    errors = [{"field": field, "detail": detail} for field, detail in details.items()]
    summary = "; ".join(f"{field}: {detail}" for field, detail in details.items())
    return ProblemError(HTTPStatus.BAD_REQUEST, summary, errors)


def _field(error: Any) -> str:
    return str(error["loc"][0]) if error["loc"] else "query"


def _detail(error: Any, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        nearest = get_close_matches(_field(error), known, n=1)
        return "is not a parameter of this endpoint" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
    wanted = _wanted(error)
    is_said = ", was " in wanted or wanted.endswith("?")
    return wanted if is_said else f"{wanted}, was {str(error['input'])[:120]!r}"
