"""Changes of regime, and the words for both axes; without arrays, so that readers need no numpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from math import isnan

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe

UNKNOWN = "UNKNOWN"
"""The label of a regime that is not warm yet."""


class Direction(IntEnum):
    """Where the market goes; the value is its code in arrays."""

    DOWN = -1
    RANGE = 0
    UP = 1


class Volatility(IntEnum):
    """How much it moves, against its own recent past; the value is its code in arrays."""

    LOW = -1
    NORMAL = 0
    HIGH = 1


@dataclass(frozen=True, slots=True)
class RegimeChange:
    """A symbol's regime from `since` on, the close time of the candle by which it was known."""

    symbol: str
    timeframe: Timeframe
    since: datetime
    direction: Direction
    volatility: Volatility

    @property
    def label(self) -> str:
        """Both axes as one word, as `label` spells them."""
        return label(self.direction, self.volatility)

    def to_record(self) -> Mapping[str, str]:
        """Return what a topic tells of it."""
        return {
            "symbol": self.symbol,
            "timeframe": str(self.timeframe),
            "since": to_iso(self.since),
            "direction": self.direction.name,
            "volatility": self.volatility.name,
            "regime": self.label,
        }


def label(direction: float, volatility: float) -> str:
    """Return both axes as one word, `"UP/HIGH"`, or `UNKNOWN` if either is NaN.

    Raises
    ------
    InvalidValueError
        If a code is none of its axis's.
    """
    if isnan(direction) or isnan(volatility):
        return UNKNOWN
    try:
        return f"{Direction(int(direction)).name}/{Volatility(int(volatility)).name}"
    except ValueError as e:
        raise InvalidValueError(f"regime codes must be -1, 0 or 1, were {direction} and {volatility}") from e
