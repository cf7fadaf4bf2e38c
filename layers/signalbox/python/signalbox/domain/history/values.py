"""The values that a history can be filtered by: some of closed sets, some only of a shape."""

import re
from collections.abc import Mapping

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import UNKNOWN, Direction, Volatility
from signalbox.domain.signals.signal import Origin, SignalType, Status

MOST_VALUES = 20
"""Values of one field: each may be a partition that must be read."""

_DIRECTIONS = tuple(each.name for each in Direction)
_VOLATILITIES = tuple(each.name for each in Volatility)

CLOSED_SETS: Mapping[str, tuple[str, ...]] = {
    "type": tuple(SignalType),
    "timeframe": tuple(Timeframe),
    "status": tuple(Status),
    "regime": (
        *_DIRECTIONS,
        *_VOLATILITIES,
        *(f"{direction}/{volatility}" for direction in _DIRECTIONS for volatility in _VOLATILITIES),
        UNKNOWN,
    ),
    "origin": tuple(Origin),
}
"""Every value of the fields that have a closed set, spelled as it is stored."""

_SHAPES = {
    "symbol": (re.compile(r"[^\s/,]{1,30}/[^\s/,]{1,30}"), "BTC/USDT"),
    "strategy": (re.compile(r"[a-z0-9_]{1,40}", re.ASCII), "trend_following"),
}


def closed_value(field: str, text: str) -> str:
    """Return the value of a closed set that `text` means: itself in any case, or its beginning where that is clear.

    Raises
    ------
    InvalidValueError
        If there is none, or more than one.
    """
    values = CLOSED_SETS[field]
    exact = [value for value in values if value.upper() == text.upper()]
    begun = [value for value in values if text and value.upper().startswith(text.upper())]
    fitting = exact or begun
    if len(fitting) != 1:
        raise InvalidValueError(f"{field} must be one of {', '.join(fitting or values)}, was {text[:60]!r}")
    return fitting[0]


def open_value(field: str, text: str) -> str:
    """Return a symbol or a strategy as it is stored; raise InvalidValueError if it is not spelled as one."""
    shape, example = _SHAPES[field]
    value = text.upper() if field == "symbol" else text.lower()
    if not shape.fullmatch(value):
        raise InvalidValueError(f"{field} must look like {example}, was {text[:61]!r}")
    return value
