"""How the system keeps up: turns, queues, and the newest candles."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.instants import from_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Universe
from signalbox.ports.market import CandleReader
from signalbox.ports.work import QueueDepth, Turn
from signalbox.services.health import Health, is_late, report_health


@dataclass(frozen=True, slots=True)
class WatchedSeries:
    """The newest stored candle of an exchange and timeframe; `closed_at` is None before the first."""

    exchange: str
    timeframe: Timeframe
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What was seen at `health.now`. `late_turns` are those whose next is overdue."""

    health: Health
    late_turns: frozenset[tuple[str, str]]
    queues: tuple[QueueDepth, ...]
    dead_letters: int
    series: tuple[WatchedSeries, ...]


def look_around(
    turns: Sequence[Turn],
    queues: Iterable[QueueDepth],
    universe: Universe | None,
    timeframes: Iterable[Timeframe],
    *,
    candles: CandleReader,
    is_dead_letters: Callable[[str], bool],
    now: datetime,
    stepped: bool = False,
) -> Monitoring:
    """Return how things stand at `now`, the system clock's; one bucket stands for each exchange.

    `is_dead_letters` says of a queue's name whether it holds what was tried to its end, `stepped` whether time is.
    """
    members = universe.watched if universe else ()
    bucket_of = {member.exchange: member.bucket for member in reversed(members)}
    series = [
        WatchedSeries(exchange, timeframe, _closed_at(candles.newest_open(exchange, timeframe, bucket), timeframe))
        for exchange, bucket in sorted(bucket_of.items())
        for timeframe in timeframes
    ]
    depths = tuple(queues)
    return Monitoring(
        report_health(turns, now=now, stepped=stepped),
        frozenset((turn.job, turn.timeframe) for turn in turns if is_late(turn, now, stepped=stepped)),
        depths,
        sum(depth.total for depth in depths if is_dead_letters(depth.name)),
        tuple(series),
    )


def _closed_at(open_time: int | None, timeframe: Timeframe) -> datetime | None:
    return None if open_time is None else from_ms(open_time + timeframe.milliseconds)
