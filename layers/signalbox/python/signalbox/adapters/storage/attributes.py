"""PynamoDB attributes for values it has none of: exact money, moments, words of a closed set, compact JSON."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Rounded
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER, STRING

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, from_ms, to_ms

_DYNAMO_DIGITS = Context(prec=38, Emin=-128, Emax=126, traps=[Inexact, Rounded, InvalidOperation])

Word = TypeVar("Word", bound=StrEnum)


def sortable_iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with `Z`, always to the millisecond, so that texts sort as their moments do."""
    return from_ms(to_ms(moment)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact_json(value: Any) -> str:
    """Return JSON without spaces; raise InvalidValueError for what JSON does not know."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except TypeError as e:
        raise InvalidValueError(f"stored records must be made of JSON's own types: {e}") from e


class DecimalAttribute(Attribute[Decimal]):
    """An exact decimal of at most 38 digits, which is what DynamoDB keeps. Trailing zeros may be dropped."""

    attr_type = NUMBER

    def serialize(self, value: Decimal) -> str:
        """Return plain digits; raise InvalidValueError where DynamoDB would round or refuse."""
        try:
            exact = _DYNAMO_DIGITS.create_decimal(value)
        except (Inexact, Rounded, InvalidOperation) as e:
            raise InvalidValueError(f"decimal must have at most 38 digits, was {value}") from e
        if not exact.is_finite():
            raise InvalidValueError(f"decimal must be finite, was {value}")
        return f"{exact:f}"

    def deserialize(self, value: str) -> Decimal:
        """Return the stored decimal."""
        return Decimal(value)


class FloatAttribute(Attribute[float]):
    """A float64, stored by its shortest exact digits and read back as the same float64."""

    attr_type = NUMBER

    def serialize(self, value: float) -> str:
        """Return the shortest digits that read back as `value`."""
        return repr(float(value))

    def deserialize(self, value: str) -> float:
        """Return the stored number."""
        return float(value)


class WholeAttribute(Attribute[int]):
    """A whole number."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """Return the digits."""
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """Return the stored number."""
        return int(value)


class MomentAttribute(Attribute[datetime]):
    """An aware UTC moment to the millisecond, as ISO 8601 text with `Z` that sorts as moments do."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """Return sortable ISO 8601."""
        return sortable_iso(value)

    def deserialize(self, value: str) -> datetime:
        """Return the stored moment."""
        return from_iso(value)


class WordAttribute(Attribute[Word], Generic[Word]):
    """One word of a closed set.

    Parameters
    ----------
    words : type of StrEnum
        The set; reading a word that is not in it raises ValueError.
    null : bool, default False
        Whether the attribute may be absent.
    hash_key : bool, default False
        Whether it is the hash key of an index.
    """

    attr_type = STRING

    def __init__(self, words: type[Word], *, null: bool = False, hash_key: bool = False) -> None:
        super().__init__(hash_key=hash_key, null=null)
        self.words = words

    def serialize(self, value: Word) -> str:
        """Return the word as text."""
        return str(value)

    def deserialize(self, value: str) -> Word:
        """Return the stored word."""
        return self.words(value)


class CompactJSONAttribute(Attribute[Any]):
    """Any JSON value as compact text: mappings and lists that are only ever read whole."""

    attr_type = STRING

    def serialize(self, value: Any) -> str:
        """Return compact JSON."""
        return compact_json(value)

    def deserialize(self, value: str) -> Any:
        """Return the stored value."""
        return json.loads(value)


class WordsAttribute(Attribute[Sequence[str]]):
    """Words in order, as compact JSON; read back as a tuple."""

    attr_type = STRING

    def serialize(self, value: Sequence[str]) -> str:
        """Return compact JSON."""
        return compact_json(list(value))

    def deserialize(self, value: str) -> tuple[str, ...]:
        """Return the stored words."""
        return tuple(json.loads(value))
