"""Which index answers a question about the history, and what is left to filter. Pure, so that it can be looked at.

An index answers in one order. Among those that give the order asked for, the plan takes the one whose partitions hold
the smallest share of all signals; the other conditions filter what it reads. There is always one, so nothing scans.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from signalbox.adapters.storage.signal_keys import NULL_SPACE, feed_buckets, key_bound, number_key
from signalbox.domain.history.filters import Between, SignalFilter, Sort
from signalbox.domain.history.words import words_in
from signalbox.domain.signals.signal import NULL_STRATEGY, Status
from signalbox.ports.signals import FeedQuery

SYMBOLS = 100
STRATEGIES = 7
"""How many there are about, for comparing indexes: a wrong guess costs reads, never a row."""

STATUS_SHARES = {Status.OPEN: 0.02, Status.TARGET_HIT: 0.3, Status.STOP_HIT: 0.4, Status.EXPIRED: 0.25}
RARE_SHARE = 0.01

BY_SCORE = {
    Sort.QUALITY: ("quality_key", "feed-by-quality", "symbol-by-quality"),
    Sort.CONFIDENCE: ("confidence_key", "feed-by-confidence", "symbol-by-confidence"),
}
"""The range key, the index over all symbols and the index of a symbol, of each order that is no time."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One partition of an index, and the space of its keys (`signal_keys`) that is read."""

    partition: str
    space: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is read, in which order.

    `index` None is the table itself. `steps` are read one after another; the streams of a step are merged by their
    range keys, from `lower` to `upper` (both included, without their space). `residual` names the conditions that the
    keys do not answer. With `words`, the postings of these words are intersected instead and the signals fetched.
    """

    index: str | None
    hash_name: str
    range_name: str
    steps: tuple[tuple[Stream, ...], ...]
    lower: str
    upper: str
    descending: bool
    residual: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Choice:
    index: str | None
    hash_name: str
    partitions: tuple[str, ...]
    answers: str
    share: float


def plan_for(query: FeedQuery, position: str | None) -> Plan:
    """Return how to read the page that begins after `position` (an order key), or at the beginning if that is None.

    Parameters
    ----------
    query : FeedQuery
        The question.
    position : str, optional
        Where the page before ended.
    """
    return _by_time(query, position) if query.sort is Sort.CREATED else _by_score(query, position)


def _by_time(query: FeedQuery, position: str | None) -> Plan:
    where = query.where
    lower, upper = _from(key_bound(query.since), key_bound(query.until), position, descending=query.descending)
    if where.words and NULL_STRATEGY not in where.strategies:
        return _by_words(query, lower, upper)
    chosen = min(_choices(where), key=lambda choice: choice.share, default=None)
    if chosen is None:
        months = list(months_down(upper, lower))
        steps = [_streams(_buckets(month), where) for month in (months if query.descending else reversed(months))]
        index, hash_name, answers = "feed-by-time", "feed_partition", ""
    else:
        steps = [_streams(chosen.partitions, where, are_strategies=chosen.answers == "strategies")]
        index, hash_name, answers = chosen.index, chosen.hash_name, chosen.answers  # type: ignore[assignment] # the table
    return Plan(
        index=index,
        hash_name=hash_name,
        range_name="created_key",
        steps=tuple(steps),
        lower=lower,
        upper=upper,
        descending=query.descending,
        residual=_residual(where, answers),
    )


def _by_score(query: FeedQuery, position: str | None) -> Plan:
    where = query.where
    range_name, feed_index, symbol_index = BY_SCORE[query.sort]
    asked: Between = getattr(where, query.sort.value)
    low, high = number_key(max(asked.low, 0.0)), f"{number_key(max(asked.high, 0.0))}$"  # "$" follows "#"
    lower, upper = _from(low, high, position, descending=query.descending)
    first, last = key_bound(query.since), key_bound(query.until)
    if where.symbols:
        index, hash_name, partitions = symbol_index, "symbol", tuple(sorted(where.symbols))
    else:
        months = months_down(last, first)
        index, hash_name = feed_index, "feed_partition"
        partitions = tuple(bucket for month in months for bucket in _buckets(month))
    whole_months = not where.symbols and first[8:] == last[8:] == "01T00:00:00Z"
    return Plan(
        index=index,
        hash_name=hash_name,
        range_name=range_name,
        steps=(_streams(partitions, where),) if partitions else (),
        lower=lower,
        upper=upper,
        descending=query.descending,
        residual=(
            *_residual(where, "symbols", query.sort.value),
            *(() if whole_months else ("created_at",)),
        ),
    )


def _by_words(query: FeedQuery, lower: str, upper: str) -> Plan:
    """A symbol or strategy, if only one is asked for and it is one word, is a word like the others."""
    where = query.where
    words, answers = set(where.words), ["words"]
    for name in ("symbols", "strategies"):
        values: frozenset[str] = getattr(where, name)
        # `$MICHI/USDT` and `BTC/USDT:USDT` are no words as they stand, and a long one is cut off.
        spelled = [value.lower() for value in values]
        if len(spelled) == 1 and [word for value in values for word in words_in(value)] == spelled:
            words |= set(spelled)
            answers.append(name)
    return Plan(
        index=None,
        hash_name="word",
        range_name="created_key",
        steps=(),
        lower=lower,
        upper=upper,
        descending=query.descending,
        residual=_residual(where, *answers),
        words=tuple(sorted(words)),
    )


def _choices(where: SignalFilter) -> Iterator[_Choice]:
    """Yield the indexes by time that answer a condition, the narrower of two equals first."""
    if where.symbols:
        yield _Choice(None, "symbol", tuple(sorted(where.symbols)), "symbols", len(where.symbols) / SYMBOLS)
    if where.strategies:
        strategies = tuple(sorted(where.strategies))
        yield _Choice("strategy-by-time", "strategy", strategies, "strategies", len(strategies) / STRATEGIES)
    if where.statuses:
        share = sum(STATUS_SHARES.get(status, RARE_SHARE) for status in where.statuses)
        yield _Choice("status-by-time", "status", tuple(sorted(where.statuses)), "statuses", share)
    if len(where.signal_types) == 1:
        yield _Choice("type-by-time", "signal_type", tuple(where.signal_types), "signal_types", 0.5)


def _streams(partitions: tuple[str, ...], where: SignalFilter, *, are_strategies: bool = False) -> tuple[Stream, ...]:
    if are_strategies:
        return tuple(Stream(name, NULL_SPACE if name == NULL_STRATEGY else "") for name in partitions)
    spaces = [""] if where.strategies != {NULL_STRATEGY} else []
    if NULL_STRATEGY in where.strategies:
        spaces.append(NULL_SPACE)
    return tuple(Stream(partition, space) for partition, space in product(partitions, spaces))


def _residual(where: SignalFilter, *answered: str) -> tuple[str, ...]:
    by_space = ("strategies",) if where.strategies == {NULL_STRATEGY} else ()
    return tuple(name for name in where.asked if name not in (*answered, *by_space))


def _from(lower: str, upper: str, position: str | None, *, descending: bool) -> tuple[str, str]:
    if position is None:
        return lower, upper
    return (lower, min(upper, position)) if descending else (max(lower, position), upper)


def _buckets(month: str) -> tuple[str, ...]:
    return tuple(f"{month}#{bucket}" for bucket in range(feed_buckets(month)))


def months_down(upper: str, lower: str) -> Iterator[str]:
    """Yield the months ("2024-01") of keys below `upper` and not below `lower`, the newest first."""
    year, month = int(upper[:4]), int(upper[5:7])
    while (name := f"{year:04d}-{month:02d}") >= lower[:7]:
        if f"{name}-01T00:00:00Z" < upper:
            yield name
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
