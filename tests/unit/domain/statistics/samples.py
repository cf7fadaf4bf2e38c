"""Ended signals for the tests of statistics, from nothing but a generator of random numbers."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.statistics.daily import Day, bounded
from tests.builders import NOW, ended, make_signal

BOOKED = (Status.TARGET_HIT, Status.STOP_HIT, Status.EXPIRED, Status.DELISTED)


def random_signals(seed: int, count: int) -> list[Signal]:
    """Signals of every status, over some weeks, some with a confidence."""
    random = Random(seed)
    return [_signal(random, number) for number in range(count)]


def _signal(random: Random, number: int) -> Signal:
    created_at = NOW + timedelta(hours=random.randrange(24 * 40))
    signal = make_signal(
        created_at,
        symbol=f"S{number}/USDT",
        quality_score=random.uniform(0, 100),
        confidence=random.choice((None, random.random())),
    )
    status = random.choice(list(Status))
    if status is Status.OPEN:
        return signal
    r = random.gauss(0, 2) if status in BOOKED else None
    tied = status is Status.STOP_HIT and random.random() < 0.3
    return ended(
        signal,
        status,
        ended_at=created_at + timedelta(hours=random.randrange(1, 60)),
        r=r,
        optimistic_r=1.4 if tied else r,
        cost_r=None if r is None else 0.1,
        ambiguous=tied,
    )


def days_of(values: Sequence[Sequence[float]]) -> dict[date, Day]:
    """Sums per day of the given R, one inner sequence a day."""
    first = date(2024, 1, 1)
    return {
        first + timedelta(days=at): Day(len(rs), sum(rs), sum(map(bounded, rs)))
        for at, rs in enumerate(values)
        if len(rs)
    }
