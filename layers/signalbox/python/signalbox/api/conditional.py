"""Validators: what lets a caller ask whether an answer is still the same, and be told so in a few bytes.

An answer depends on who asks and may change with the next write, so it may be kept by the caller alone and has to be
checked before each use (`Cache-Control: private, no-cache`). Its `ETag` is weak: members that only tell how much time
went by are left out. What was kept here says how old it is (`Age`); without that header everything was read just now.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any

CHECKED = frozenset({
    "/signals/api/signals", "/signals/api/signals/{signal_id}", "/signals/history", "/signals/api/statistics",
    "/signals/api/performance", "/signals/api/regimes", "/signals/api/sentiment",
})  # fmt: skip
"""Paths whose answers have validators."""
PASSING = frozenset({"age_seconds", "as_of"})
"""Members that change by themselves as time goes by, wherever they stand."""
KEPT_BY_CALLER = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-Api-Key"}


def validated(event: Mapping[str, Any], answer: dict[str, Any], age: int | None) -> dict[str, Any]:
    """Return an answer with its validators, or 304 where `If-None-Match` names it.

    Parameters
    ----------
    event : mapping
        The REST proxy event.
    answer : dict
        Its answer; returned as it is unless it is the 200 of one of the `CHECKED` paths.
    age : int or None
        Whole seconds since the oldest thing in the answer was read, where it was kept.
    """
    is_checked = event["requestContext"]["resourcePath"] in CHECKED and event["httpMethod"] in ("GET", "HEAD")
    if not is_checked or answer["statusCode"] != HTTPStatus.OK:
        return answer
    tag = weak_tag(answer["body"])
    headers = {**KEPT_BY_CALLER, "ETag": tag, **({} if age is None else {"Age": str(age)})}
    if names(if_none_match(event), tag):
        return {**answer, "statusCode": int(HTTPStatus.NOT_MODIFIED), "headers": headers, "body": ""}
    return {**answer, "headers": {**answer.get("headers", {}), **headers}}


def weak_tag(body: str) -> str:
    """Return the weak entity tag of a JSON body: the same for bodies that differ in `PASSING` members only."""
    lasting = json.dumps(_lasting(json.loads(body)), sort_keys=True)
    return f'W/"{sha256(lasting.encode()).hexdigest()[:32]}"'


def if_none_match(event: Mapping[str, Any]) -> str:
    """Return the `If-None-Match` of a request, empty without one."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return headers.get("if-none-match") or ""


def names(condition: str, tag: str) -> bool:
    """Return whether an `If-None-Match` names a tag, compared weakly (RFC 9110, 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in condition.split(",")}
    return condition.strip() == "*" or tag.removeprefix("W/") in known


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(each) for name, each in value.items() if name not in PASSING}
    return [_lasting(each) for each in value] if isinstance(value, list) else value
