"""Numbers as people read them; what is not known is a dash."""

from collections.abc import Mapping
from typing import Any

UNKNOWN = "–"


def number(value: float | None, digits: int = 3, *, signed: bool = True) -> str:
    """Return a number with its sign."""
    if value is None:
        return UNKNOWN
    return f"{value:{'+' if signed else ''}.{digits}f}"


def percent(value: float | None) -> str:
    """Return a share as per cent."""
    return UNKNOWN if value is None else f"{value:.1%}"


def spread(interval: Mapping[str, float] | None) -> str:
    """Return an interval of R."""
    return "" if interval is None else f"[{interval['low']:+.3f}, {interval['high']:+.3f}]"


def rate_spread(rate: Mapping[str, Any]) -> str:
    """Return the interval of a rate."""
    interval = rate["interval"]
    return "" if interval is None else f"[{interval['low']:.1%}, {interval['high']:.1%}]"


def rate_value(rate: Mapping[str, Any]) -> str:
    """Return a rate without its interval, or that there is too little to say."""
    return f"too few ({rate['n']})" if rate["too_few"] else percent(rate["value"])


def rate_words(rate: Mapping[str, Any], between: str = " ") -> str:
    """Return a rate and its interval, `between` them, or that there is too little to say."""
    return rate_value(rate) if rate["too_few"] else f"{rate_value(rate)}{between}{rate_spread(rate)}"
