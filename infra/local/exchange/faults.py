"""Faults that can be switched on: what the exchanges then do wrong, to whom, and how many times."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.exchange.market import EXCHANGES
from signalbox.domain.errors import InvalidValueError

REFUSALS = ("rate_limit", "ban", "maintenance", "region", "down", "drop", "timeout", "malformed")
"""Kinds that answer a request instead of the exchange."""
KINDS = (*REFUSALS, "frozen", "spike", "bad_symbol")

_FIELDS = {"exchange", "kind", "count", "retry_after", "factor", "symbol"}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault.

    `exchange` None means all of them, `count` None until cleared, `symbol` None every symbol (of `spike` and
    `bad_symbol`). `retry_after` is in seconds: what a refusal asks for, or how long `timeout` says nothing. `factor`
    is what `spike` multiplies prices by from `since_ms` on, the moment at which `frozen` stops.
    """

    kind: str
    since_ms: int
    exchange: str | None = None
    count: int | None = None
    retry_after: float | None = None
    factor: float = 1.2
    symbol: str | None = None

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], now: int) -> "Fault":
        """Return the fault that `fields` describe, beginning at `now`; raise InvalidValueError if there is none."""
        unknown = sorted(set(fields) - _FIELDS)
        if unknown:
            raise InvalidValueError(f"fields of a fault must be among {', '.join(sorted(_FIELDS))}, found {unknown}")
        kind, exchange, count = fields.get("kind"), fields.get("exchange"), fields.get("count")
        if kind not in KINDS:
            raise InvalidValueError(f"kind must be one of {', '.join(KINDS)}, was {kind!r}")
        if exchange is not None and exchange not in EXCHANGES:
            raise InvalidValueError(f"exchange must be one of {', '.join(EXCHANGES)} or null, was {exchange!r}")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise InvalidValueError(f"count must be a whole number of at least 1 or null, was {count!r}")
        symbol = fields.get("symbol")
        if symbol is not None and not isinstance(symbol, str):
            raise InvalidValueError(f"symbol must be a text like BTC/USDT or null, was {symbol!r}")
        factor = _positive("factor", fields.get("factor"))
        return cls(
            kind=kind,
            since_ms=now,
            exchange=exchange,
            count=count,
            retry_after=_positive("retry_after", fields.get("retry_after")),
            factor=1.2 if factor is None else factor,
            symbol=symbol,
        )


class Faults:
    """The faults that are on. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on; of several refusals the oldest answers."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Switch everything off."""
        with self._lock:
            self._faults.clear()

    def active(self) -> list[Fault]:
        """Return what is on."""
        with self._lock:
            return list(self._faults)

    def take_refusal(self, exchange: str) -> Fault | None:
        """Return the refusal that answers the next request to `exchange`, and count it."""
        return self._take(exchange, REFUSALS, None)

    def take(self, exchange: str, kind: str, symbol: str | None = None) -> Fault | None:
        """Return the fault of `kind` that touches `exchange` (and `symbol`, if given), and count it."""
        return self._take(exchange, (kind,), symbol)

    def _take(self, exchange: str, kinds: tuple[str, ...], symbol: str | None) -> Fault | None:
        # Read without the lock: almost always nothing is on, and this runs once or more per request.
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.kind not in kinds or fault.exchange not in (None, exchange):
                    continue
                if symbol is not None and fault.symbol not in (None, symbol):
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None


def _positive(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidValueError(f"{name} must be a positive number or null, was {value!r}")
    return float(value)
