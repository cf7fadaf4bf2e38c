"""What the in-memory ports ask of what they store."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from signalbox.domain.errors import InvalidValueError

Key = TypeVar("Key")
Value = TypeVar("Value")


def require_json(record: Mapping[str, Any]) -> str:
    """The record as text; raises InvalidValueError if it is not made of JSON's own types."""
    try:
        return json.dumps(dict(record))
    except TypeError as e:
        raise InvalidValueError(f"stored records must be made of JSON's own types: {e}") from e


def add_once(stored: dict[Key, Value], key: Key, value: Value) -> bool:
    if key in stored:
        return False
    stored[key] = value
    return True


def require_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidValueError(f"limit must be at least 1, was {limit}")
