"""Every filter and order of the history, on the fake and on DynamoDB's indexes, against a look at everything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import Between, SignalFilter, Sort
from signalbox.domain.history.words import words_of
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, SignalType, Status
from signalbox.ports.signals import FeedQuery, SignalRepository
from tests.builders import NOW, ended, make_levels, make_signal
from tests.contracts.implementations import either
from tests.fakes.signals import InMemorySignals
from tests.proof import cases

empty = either(
    lambda: InMemorySignals(cursor_secret=b"secret"), lambda: DynamoSignalRepository(cursor_secret=b"secret")
)

SYMBOLS = ("ADA/USDT", "BTC/USDT", "ETH/USDT")
STRATEGIES = ("breakout", NULL_STRATEGY, "trend_following", "breakout", "momentum")
REGIMES = ("UP/NORMAL", "DOWN/HIGH", "RANGE/LOW", "UP/HIGH")
SELL_LEVELS = make_levels(target_price="90", stop_loss="105")
STEP = timedelta(hours=37)


def nth(number: int) -> Signal:
    """A signal whose fields all differ from those of its neighbours, with ties of quality and of confidence."""
    signal_type = (SignalType.BUY, SignalType.SELL)[number // 3 % 2]
    signal = make_signal(
        created_at=NOW - number * STEP,
        symbol=SYMBOLS[number % 3],
        strategy=STRATEGIES[number % 5],
        timeframe=(Timeframe.H1, Timeframe.H4)[number % 2],
        signal_type=signal_type,
        levels=make_levels() if signal_type is SignalType.BUY else SELL_LEVELS,
        regime=REGIMES[number % 4],
        origin=(Origin.LIVE, Origin.REPLAY)[number // 7 % 2],
        quality_score=float(number * 29 % 10 * 10) + 0.1,
        confidence=None if number % 4 == 1 else number * 17 % 5 / 5,
        reasons={("adx", "rsi_14", "gap")[number % 3]: 1.0},
    )
    statuses = (None, Status.TARGET_HIT, Status.STOP_HIT, None, Status.EXPIRED)
    status = statuses[number // 2 % 5]
    return signal if status is None else ended(signal, status)


RECORD = [nth(number) for number in range(30)]


def keep(repository: SignalRepository, signal: Signal) -> None:
    """Give a signal, and end it if it has ended."""
    opened = make_open(signal)
    repository.add(opened)
    if signal is not opened and signal.ending is not None:
        repository.update(opened, signal)


def make_open(signal: Signal) -> Signal:
    return replace(signal, status=Status.OPEN, may_act=True, ending=None)


@pytest.fixture
def record(empty: SignalRepository) -> SignalRepository:
    for signal in RECORD:
        keep(empty, signal)
    return empty


def ask(**overrides: Any) -> FeedQuery:
    values = {
        "since": NOW - timedelta(days=60),
        "until": NOW + timedelta(days=1),
        "visible_at": NOW + timedelta(days=1),
        "limit": 9,
    }
    return FeedQuery(**values | overrides)


def pages(repository: SignalRepository, **query: Any) -> Iterator[list[Signal]]:
    cursor = None
    for _ in range(500):
        page = repository.feed(ask(cursor=cursor, **query))
        yield page.signals
        cursor = page.cursor
        if cursor is None:
            return
    raise AssertionError("the pages have no end")


def ids(signals: Any) -> list[str]:
    return [signal.signal_id for signal in signals]


def sort_value(signal: Signal, sort: Sort) -> Any:
    values = {
        Sort.CREATED: signal.created_at, Sort.QUALITY: signal.quality_score, Sort.CONFIDENCE: signal.confidence,
    }  # fmt: skip
    return values[sort]


def brute(fits: Any, sort: Sort = Sort.CREATED, *, descending: bool = True) -> list[str]:
    """What a look at every signal finds: nothing here knows keys, indexes or filters."""
    found = [signal for signal in RECORD if fits(signal) and sort_value(signal, sort) is not None]
    return ids(sorted(found, key=lambda s: (sort_value(s, sort), s.created_at, s.signal_id), reverse=descending))


def real(signal: Signal) -> bool:
    return signal.strategy != NULL_STRATEGY


CASES: dict[str, tuple[SignalFilter, Any]] = {
    "all": (SignalFilter(), real),
    "symbol": (SignalFilter(symbols=frozenset({"BTC/USDT"})), lambda s: real(s) and s.symbol == "BTC/USDT"),
    "symbols": (
        SignalFilter(symbols=frozenset({"BTC/USDT", "ADA/USDT"})), lambda s: real(s) and s.symbol != "ETH/USDT",
    ),
    "type": (
        SignalFilter(signal_types=frozenset({SignalType.SELL})),
        lambda s: real(s) and s.signal_type is SignalType.SELL,
    ),
    "strategy": (SignalFilter(strategies=frozenset({"breakout"})), lambda s: s.strategy == "breakout"),
    "null": (SignalFilter(strategies=frozenset({"null"})), lambda s: not real(s)),
    "null and another": (
        SignalFilter(strategies=frozenset({"null", "momentum"})), lambda s: s.strategy in ("null", "momentum"),
    ),
    "timeframe": (SignalFilter(timeframes=frozenset({Timeframe.H4})), lambda s: real(s) and s.timeframe == "4h"),
    "status": (
        SignalFilter(statuses=frozenset({Status.STOP_HIT})), lambda s: real(s) and s.status is Status.STOP_HIT,
    ),
    "statuses": (
        SignalFilter(statuses=frozenset({Status.OPEN, Status.EXPIRED})),
        lambda s: real(s) and s.status in (Status.OPEN, Status.EXPIRED),
    ),
    "regime": (SignalFilter(regimes=frozenset({"UP/HIGH"})), lambda s: real(s) and s.regime == "UP/HIGH"),
    "regime's axis": (SignalFilter(regimes=frozenset({"HIGH"})), lambda s: real(s) and s.regime.endswith("HIGH")),
    "origin": (SignalFilter(origins=frozenset({Origin.REPLAY})), lambda s: real(s) and s.origin is Origin.REPLAY),
    "quality": (
        SignalFilter(quality=Between(30.1, 70.1)), lambda s: real(s) and 30.1 <= s.quality_score <= 70.1,
    ),
    "confidence": (
        SignalFilter(confidence=Between(low=0.4)), lambda s: real(s) and (s.confidence or 0) >= 0.4,
    ),
    "word": (SignalFilter(words=frozenset({"adx"})), lambda s: real(s) and "adx" in s.reasons),
    "words": (
        SignalFilter(words=frozenset({"gap", "breakout"})),
        lambda s: real(s) and "gap" in s.reasons and s.strategy == "breakout",
    ),
}  # fmt: skip
ORDERS = [(sort, descending) for sort in Sort for descending in (True, False)]


def test_every_filter_in_every_order_is_what_a_look_at_everything_finds(record: SignalRepository):
    for case, (where, fits) in CASES.items():
        for sort, descending in ORDERS:
            query = {"where": where, "sort": sort, "descending": descending}
            found = [each for page in pages(record, **query) for each in page]

            assert ids(found) == brute(fits, sort, descending=descending), (case, sort, descending)


def test_every_pair_of_filters_is_what_a_look_at_everything_finds(record: SignalRepository):
    """Each pair in one of the orders, in turn."""
    pairs = 0
    names = [name for name in CASES if name != "all"]
    for number, (one, other) in enumerate((one, other) for at, one in enumerate(names) for other in names[at + 1 :]):
        where, fits = CASES[one]
        try:
            both = where.joined(CASES[other][0])
        except InvalidValueError:
            continue
        sort, descending = ORDERS[number % len(ORDERS)]
        matches = _both(both, fits, CASES[other][1])
        query = {"where": both, "sort": sort, "descending": descending, "limit": 30}
        found = [each for page in pages(record, **query) for each in page]

        assert ids(found) == brute(matches, sort, descending=descending), (one, other, sort, descending)
        pairs += 1
    assert pairs > 80


def _both(where: SignalFilter, one: Any, other: Any) -> Any:
    # That the null strategy is left out is said of no pair that names it.
    if NULL_STRATEGY not in where.strategies:
        return lambda signal: one(signal) and other(signal)
    return lambda signal: all(fits(signal) or (not real(signal) and fits(_as_if_real(signal))) for fits in (one, other))


def _as_if_real(signal: Signal) -> Signal:
    return replace(signal, strategy="a strategy like others")


ODD_SYMBOLS = (
    "$MICHI/USDT",
    "BTC/USDT:USDT",
    "1000PEPE/USDT",
    f"{'A' * 30}/{'B' * 30}",
    f"{'A' * 30}/{'B' * 29}",
    "BTC/USDT",
)
"""Symbols of which a search's words are not all there is."""


@pytest.mark.parametrize("words", [{"adx"}, {"adx", "usdt"}, {"adx", "btc"}])
def test_a_symbol_however_spelled_joins_the_words_of_a_search(empty: SignalRepository, words: set[str]):
    given = [make_signal(symbol=symbol, reasons={"adx": 1.0}) for symbol in ODD_SYMBOLS]
    for signal in given:
        keep(empty, signal)

    for signal in given:
        where = SignalFilter(symbols=frozenset({signal.symbol}), words=frozenset(words))
        found = [each for page in pages(empty, where=where) for each in page]
        assert found == ([signal] if words <= words_of(signal) else []), signal.symbol


def test_the_null_strategy_is_in_no_page_that_does_not_name_it(record: SignalRepository):
    for sort, descending in ORDERS:
        found = [each for page in pages(record, sort=sort, descending=descending) for each in page]
        assert NULL_STRATEGY not in {signal.strategy for signal in found}


def test_a_span_bounds_a_ranking_too(record: SignalRepository):
    since, until = NOW - 20 * STEP, NOW - 3 * STEP

    for symbols in (frozenset(), frozenset({"BTC/USDT"})):
        query = {"since": since, "until": until, "sort": Sort.QUALITY, "where": SignalFilter(symbols=symbols)}
        found = [each for page in pages(record, **query) for each in page]
        assert ids(found) == brute(
            lambda s, symbols=symbols: (
                real(s) and since <= s.created_at < until and (not symbols or s.symbol in symbols)
            ),
            Sort.QUALITY,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"sort": Sort.QUALITY},
        {"descending": False},
        {"bound_to": "2024"},
        {"where": SignalFilter(quality=Between(low=1.0))},
        {"where": SignalFilter(words=frozenset({"btc"}))},
    ],
)
def test_a_cursor_belongs_to_its_query_and_order(record: SignalRepository, change: dict[str, Any]):
    cursor = record.feed(ask()).cursor

    with pytest.raises(InvalidValueError, match="cursor must be one that this query's previous page gave"):
        record.feed(ask(cursor=cursor, **change))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    case=st.sampled_from(["all", "symbols", "status", "strategy", "quality", "words", "null and another"]),
    order=st.sampled_from(ORDERS),
    limit=st.integers(min_value=1, max_value=9),
    inserts=st.lists(st.lists(st.integers(min_value=-30, max_value=90), max_size=3), max_size=12),
)
def test_no_two_pages_repeat_or_miss_a_row_while_signals_are_inserted(
    record: SignalRepository, case: str, order: tuple[Sort, bool], limit: int, inserts: list[list[int]]
):
    sort, descending = order
    where = CASES[case][0]
    steady = [signal.signal_id for page in pages(record, where=where, sort=sort, descending=descending, limit=9)
              for signal in page]  # fmt: skip
    fresh = _fresh()
    found: list[str] = []
    for page in pages(record, where=where, sort=sort, descending=descending, limit=limit):
        found += ids(page)
        for number in inserts.pop() if inserts else ():
            keep(record, next(fresh)(number))

    assert len(found) == len(set(found))
    assert [signal_id for signal_id in found if signal_id in set(steady)] == steady


some = {
    "symbols": st.frozensets(st.sampled_from(SYMBOLS), max_size=2),
    "signal_types": st.frozensets(st.sampled_from(SignalType), max_size=2),
    "strategies": st.frozensets(st.sampled_from(STRATEGIES), max_size=2),
    "timeframes": st.frozensets(st.sampled_from([Timeframe.H1, Timeframe.H4]), max_size=1),
    "statuses": st.frozensets(st.sampled_from(Status), max_size=3),
    "regimes": st.frozensets(st.sampled_from([*REGIMES, "UP", "LOW"]), max_size=2),
    "origins": st.frozensets(st.sampled_from(Origin), max_size=1),
    "quality": st.builds(Between, st.sampled_from([0.0, 30.1]), st.sampled_from([50.1, 100.0])),
    "confidence": st.builds(Between, st.sampled_from([0.0, 0.4]), st.sampled_from([0.6, 1.0])),
    "words": st.frozensets(st.sampled_from(["adx", "gap", "btc", "breakout", "eth/usdt"]), max_size=2),
}
filters = st.sets(st.sampled_from(sorted(some)), max_size=3).flatmap(
    lambda names: st.builds(SignalFilter, **{name: some[name] for name in names})
)
span = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)


@settings(
    max_examples=cases(25, 1000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filters, st.sampled_from(ORDERS), st.integers(min_value=3, max_value=40), span)
def test_whatever_is_asked_is_what_a_look_at_everything_finds(
    record: SignalRepository, where: SignalFilter, order: tuple[Sort, bool], limit: int, ages: list[int]
):
    sort, descending = order
    since, until = NOW - ages[1] * STEP, NOW - ages[0] * STEP
    query = {"where": where, "sort": sort, "descending": descending, "limit": limit, "since": since, "until": until}
    found = [each for page in pages(record, **query) for each in page]

    fits = [name for name in where.asked if name != "strategies"]
    assert ids(found) == brute(
        lambda s: (
            since <= s.created_at < until
            and (s.strategy in where.strategies if where.strategies else real(s))
            and all(FITS[name](s, getattr(where, name)) for name in fits)
        ),
        sort,
        descending=descending,
    )


FITS: dict[str, Any] = {
    "symbols": lambda s, asked: s.symbol in asked,
    "signal_types": lambda s, asked: s.signal_type in asked,
    "timeframes": lambda s, asked: s.timeframe in asked,
    "statuses": lambda s, asked: s.status in asked,
    "regimes": lambda s, asked: any(each in (s.regime, *s.regime.split("/")) for each in asked),
    "origins": lambda s, asked: s.origin in asked,
    "quality": lambda s, asked: asked.low <= s.quality_score <= asked.high,
    "confidence": lambda s, asked: s.confidence is not None and asked.low <= s.confidence <= asked.high,
    "words": lambda s, asked: asked <= {
        s.symbol.lower(), s.symbol.partition("/")[0].lower(), s.strategy, *s.strategy.split("_"), *s.reasons
    },
}  # fmt: skip
"""Whether a signal fits a condition, in words of its own: nothing here is what the history does it by."""

_seconds = count(1)


def _fresh() -> Iterator[Any]:
    """Makers of signals like the record's, a second off, each new."""
    for second in _seconds:
        yield lambda number, second=second: replace(
            nth(abs(number)), created_at=nth(abs(number)).created_at + timedelta(seconds=second)
        )
