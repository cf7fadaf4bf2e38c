"""Which moments a stepped run lives through, and living through them."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.errors import RunFailedError
from infra.local.house import House
from infra.local.status import Status
from signalbox.domain.instants import from_ms, to_iso, to_ms
from signalbox.domain.market.timeframe import Timeframe

SIMULATED_END = datetime(2024, 7, 1, tzinfo=UTC)
"""Where the simulated market of a run with ONCE=1 ends: the same moment each time, so that runs can be compared."""


def last_turns(end: datetime, count: int, timeframe: Timeframe) -> list[datetime]:
    """Return the last `count` close times of `timeframe` up to `end`, oldest first."""
    last = from_ms(timeframe.floor(to_ms(end)))
    step = timedelta(milliseconds=timeframe.milliseconds)
    return [last - step * back for back in range(count - 1, -1, -1)]


def end_of(kind: str, status: Mapping[str, Any], now: datetime) -> datetime:
    """Return the newest moment that a market can be stepped to.

    A recorded market ends at the open of its last candle, which is the one that confirms the candle before it.
    """
    if kind == "simulated":
        return SIMULATED_END
    if kind == "live":
        return now
    span = status.get("span")
    if not span:
        raise RunFailedError(f"the local exchange must say which span it has (span), said {dict(status)}")
    return from_ms(int(span[1]))


def warm_up(house: House, first: datetime) -> None:
    """Live through the turn before `first`: it fetches all candles that the indicators need and starts the workers."""
    step = timedelta(milliseconds=house.timeframe.milliseconds)
    house.stepper.step(first - step, after=first - 2 * step)


def live_through(house: House, turns: Sequence[datetime], status: Status, seconds: float | None = None) -> None:
    """Live through `turns`, oldest first.

    Parameters
    ----------
    seconds : float, optional
        After this long the turns that are left are skipped, except for the last one.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    after = turns[0] - timedelta(milliseconds=house.timeframe.milliseconds)
    for number, as_of in enumerate(turns, start=1):
        late = deadline is not None and time.monotonic() > deadline
        if late and number < len(turns):
            continue
        house.stepper.step(as_of, after)
        after = as_of
        show(house, status)
        status.turns(number, len(turns), turn=to_iso(as_of))


def show(house: House, status: Status) -> None:
    """Show what the functions have reported up to now."""
    house.stepper.journal.read()
    reported = house.stepper.journal.reports
    status.show(
        symbols=house.stepper.journal.latest["PlanReport.symbols"],
        candles=reported["GenerationReport.candles"],
        signals=reported["GenerationReport.signals"],
        endings=reported["RepricingReport.endings"],
        deliveries=reported["DeliveryReport.accepted"],
        sentiment=reported["SentimentReport.aggregates"],
        counted=reported["ReadModelReport.counted"],
    )
    if house.stepper.journal.failures:
        status.error(str(house.stepper.journal.failures[-1]))
