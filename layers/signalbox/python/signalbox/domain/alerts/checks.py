"""Checks: up to where a symbol was looked at for alerts, so that a missed cycle is caught up and none is done twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from signalbox.domain.alerts.alert import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The last look at one symbol, at the system clock's `at`.

    Candles that closed by `candles_until` were looked at. `price` was the consensus price, in quote currency. `up` and
    `down` are the moves then, in percent by window.
    """

    at: datetime
    candles_until: datetime
    price: Decimal | None = None
    up: Mapping[Window, Decimal] = field(default_factory=dict)
    down: Mapping[Window, Decimal] = field(default_factory=dict)
