"""What an open signal is worth now: computed when it is read, from the newest price frame; nothing of it is stored."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import from_ms, to_iso
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.signals.marking import mark
from signalbox.domain.signals.revision import current_levels, reward_risk
from signalbox.domain.signals.signal import Levels, Signal, Status
from signalbox.ports.market import CurrentPrices


def currents(signals: Iterable[Signal], prices: CurrentPrices, now: datetime) -> dict[str, dict[str, Any]]:
    """Return what stands in `current` of each open one of `signals`, by signal_id."""
    opened = [signal for signal in signals if signal.status is Status.OPEN]
    known = prices.of({signal.symbol for signal in opened}, now)
    return {signal.signal_id: current(signal, known.get(signal.symbol), now) for signal in opened}


def current(signal: Signal, price: ConsensusPrice | None, now: datetime) -> dict[str, Any]:
    """Return the JSON document of an open signal at its symbol's price.

    `unrealised_r` is net of costs, `to_target_r` and `to_stop_r` are what is left to the published levels; all are null
    where no price is known. `levels` are those for somebody who acts now: of the newest revision, else as published.
    """
    levels = current_levels(signal)
    left = reward_risk(levels, signal.signal_type)
    known: dict[str, Any] = dict.fromkeys(
        ("price", "price_time", "low_trust", "to_target_r", "to_stop_r", "unrealised_r")
    )
    if price is not None:
        marked = mark(signal, price.price, now=now)
        known = {
            "price": f"{Decimal(repr(price.price)):f}",
            "price_time": to_iso(from_ms(price.time)),
            "low_trust": price.low_trust,
            "to_target_r": round(marked.to_target_r, 4),
            "to_stop_r": round(marked.to_stop_r, 4),
            "unrealised_r": round(marked.unrealised_r, 4),
        }
    return {
        **known,
        "age_seconds": (now - signal.published_at).total_seconds(),
        "revision": signal.revision,
        "levels": _levels(levels),
        "reward_risk": None if left is None else round(left, 4),
        "may_act": signal.is_valid(now),
    }


def _levels(levels: Levels) -> dict[str, str]:
    return {
        "entry_price": f"{levels.entry_price:f}",
        "target_price": f"{levels.target_price:f}",
        "stop_loss": f"{levels.stop_loss:f}",
    }
