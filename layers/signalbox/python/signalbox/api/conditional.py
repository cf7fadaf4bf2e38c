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

PASSING = frozenset({"age_seconds", "as_of"})
"""Members that change by themselves as time goes by, wherever they stand."""
CONTROL = "private, no-cache"
VARY = "Authorization, X-Api-Key"
"""Headers of a request that every answer may depend on."""
_MARKS = tuple(f'"{name}"' for name in sorted(PASSING))


def validated(event: Mapping[str, Any], answer: dict[str, Any], age: int | None) -> dict[str, Any]:
    """Return the answer of an endpoint whose answers are checked with its validators, or 304 where `If-None-Match`
    names it.

    Parameters
    ----------
    event : mapping
        The REST proxy event.
    answer : dict
        Its answer; returned as it is unless it is 200 to a GET or HEAD.
    age : int or None
        Whole seconds since the oldest thing in the answer was read, where it was kept.
    """
    if event["httpMethod"] not in ("GET", "HEAD") or answer["statusCode"] != HTTPStatus.OK:
        return answer
    tag = weak_tag(answer["body"])
    given = answer.get("headers", {})
    vary = ", ".join(filter(None, (VARY, given.get("Vary"))))
    headers = {"Cache-Control": CONTROL, "Vary": vary, "ETag": tag, **({} if age is None else {"Age": str(age)})}
    if names(if_none_match(event), tag):
        return {**answer, "statusCode": int(HTTPStatus.NOT_MODIFIED), "headers": headers, "body": ""}
    return {**answer, "headers": {**given, **headers}}


def weak_tag(body: str) -> str:
    """Return the weak entity tag of a body: the same for JSON bodies that differ in `PASSING` members only."""
    return f'W/"{sha256(_lasting_text(body).encode()).hexdigest()[:32]}"'


def if_none_match(event: Mapping[str, Any]) -> str:
    """Return the `If-None-Match` of a request, empty without one."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return headers.get("if-none-match") or ""


def names(condition: str, tag: str) -> bool:
    """Return whether an `If-None-Match` names a tag, compared weakly (RFC 9110, 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in condition.split(",")}
    return condition.strip() == "*" or tag.removeprefix("W/") in known


def _lasting_text(body: str) -> str:
    """Return what lasts of a body. Most have nothing that passes, and need not be decoded to know."""
    is_json = body.startswith(("{", "["))
    if not is_json or not any(mark in body for mark in _MARKS):
        return body
    return json.dumps(_lasting(json.loads(body)), sort_keys=True)


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(each) for name, each in value.items() if name not in PASSING}
    return [_lasting(each) for each in value] if isinstance(value, list) else value
