"""Eight hours of reading and writing, always the same one: the trace that the cache is measured on.

Each hour a generation writes a burst of signals within half a minute, in three shards; in the minutes after it earlier
signals end. Readers come all through the hour, ten for each write, and ask by Zipf's law: mostly the feed and the
history of the big symbols, sometimes months that are over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from infra.bench.history_house import END, STRATEGIES, SYMBOLS, SignalRows
from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.questions import Question
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal, Status

SEED = 20_240_701
HOURS = 8
WRITES_PER_HOUR = 60
READS_PER_WRITE = 10
EXPONENT = 1.1
WORKERS = 4
TIERS = (Tier.FREE, Tier.FREE, Tier.FREE, Tier.PRO, Tier.PRO, Tier.PREMIUM)
"""Of six readers, which tier each has."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Write:
    """A signal as it is from `at` on."""

    at: datetime
    signal: Signal
    is_new: bool


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody asks a worker."""

    at: datetime
    question: Question
    worker: int


def past(count: int = 1_500, days: int = 60) -> list[Signal]:
    """Return the record as it is when the day begins, oldest first."""
    rows = SignalRows(count, days)
    return [rows.signal(row) for row in range(count)]


def trace(record: Sequence[Signal]) -> list[Write | Read]:
    """Return what happens on the day, in order."""
    chance = Random(SEED)
    opened = [signal for signal in record[-400:] if signal.status is Status.OPEN]
    happenings: list[Write | Read] = []
    for hour in range(HOURS):
        begin = END + timedelta(hours=hour)
        happenings += _writes(begin, chance, opened)
        happenings += _reads(begin, chance)
    return sorted(happenings, key=lambda each: each.at)


def questions() -> list[Question]:
    """Return what is asked for, the most popular first."""
    symbols = [_question(SignalFilter(symbols=frozenset({symbol}))) for symbol in SYMBOLS[:8]]
    strategies = [_question(SignalFilter(strategies=frozenset({name}))) for name in STRATEGIES if name != NULL_STRATEGY]
    closed = [
        _question(SignalFilter(), since=END - 61 * _DAY, until=END - 30 * _DAY, descending=descending)
        for descending in (True, False)
    ]
    return [
        _question(SignalFilter()),
        symbols[0],
        _question(SignalFilter(statuses=frozenset({Status.OPEN}))),
        closed[0],
        *symbols[1:3],
        strategies[0],
        _question(SignalFilter(), limit=20),
        *symbols[3:],
        closed[1],
        *strategies[1:],
    ]


def _question(
    where: SignalFilter,
    *,
    since: datetime = END - 30 * _DAY,
    until: datetime = END + 2 * _DAY,
    limit: int = 50,
    descending: bool = True,
) -> Question:
    return Question(
        since=since,
        until=until,
        where=where,
        sort=Sort.CREATED,
        descending=descending,
        limit=limit,
        delay_class="free",
    )


def _writes(begin: datetime, chance: Random, opened: list[Signal]) -> Iterator[Write]:
    rows = SignalRows(3_000, 60)
    given: set[str] = set()
    for number in range(WRITES_PER_HOUR * 2 // 3):
        shard = number % 3
        published_at = begin + timedelta(seconds=11 + 8 * shard)
        signal = _opened(rows, chance, begin, published_at)
        while signal.signal_id in given:
            signal = _opened(rows, chance, begin, published_at)
        given.add(signal.signal_id)
        opened.append(signal)
        yield Write(published_at + timedelta(milliseconds=50 * number), signal, is_new=True)
    ended = rows.signal(next(row for row in range(99) if rows.signal(row).status is Status.TARGET_HIT)).ending
    for number in range(WRITES_PER_HOUR // 3):
        # Those that this candle ended are found by the first re-pricing after it.
        at = begin + timedelta(seconds=62, milliseconds=40 * number)
        signal = opened.pop(chance.randrange(len(opened)))
        yield Write(
            at, replace(signal, status=Status.TARGET_HIT, may_act=False, ending=ended, revision=1), is_new=False
        )


def _opened(rows: SignalRows, chance: Random, created_at: datetime, published_at: datetime) -> Signal:
    return replace(
        rows.signal(chance.randrange(rows.count)),
        created_at=created_at,
        published_at=published_at,
        expires_at=created_at + _DAY,
        status=Status.OPEN,
        may_act=True,
        ending=None,
    )


def _reads(begin: datetime, chance: Random) -> Iterator[Read]:
    asked = questions()
    weights = [1 / (rank + 1) ** EXPONENT for rank in range(len(asked))]
    for _ in range(WRITES_PER_HOUR * READS_PER_WRITE):
        (question,) = chance.choices(asked, weights)
        tier = chance.choice(TIERS)
        at = begin + timedelta(milliseconds=chance.randrange(3_600_000))
        yield Read(at, replace(question, delay_class=str(tier)), chance.randrange(WORKERS))
