"""What a page of the history reads against the bytes it shows, at 1,000, 30,000 and 1,000,000 signals."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import mean
from typing import Any

from infra.bench.dynamo_model import Cost, ModelledDynamo
from infra.bench.dynamo_units import READ_UNIT, WRITE_UNIT, item_size
from infra.bench.findings import Figure, Findings, Table
from infra.bench.history_house import END, SYMBOLS, PostingRows, SignalRows
from infra.bench.registry import subject
from signalbox.adapters import aws
from signalbox.adapters.storage.signal_items import SignalItem, item_of
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.api.spans import span_of
from signalbox.domain.history.filters import Between, SignalFilter, Sort
from signalbox.domain.history.search import Search, parse
from signalbox.domain.history.words import words_of
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType, Status
from signalbox.ports.signals import FeedQuery, Page

SIZES = {"1,000": (1_000, 90), "30,000": (30_000, 365), "1,000,000": (1_000_000, 3 * 365)}
"""Signals, and the days they spread over, at least the months that a ranking reaches over by itself: the last one holds
330, 2,500 and 27,000."""
PAGES = 3
LIMIT = 50
_ONE, _OTHER = SYMBOLS[0], SYMBOLS[3]

NAMED: Mapping[str, dict[str, Any]] = {
    "feed by date": {},
    "symbol by date": {"where": SignalFilter(symbols=frozenset({_ONE}))},
    "strategy by date": {"where": SignalFilter(strategies=frozenset({"breakout"}))},
    "null strategy by date": {"where": SignalFilter(strategies=frozenset({"null"}))},
    "type by date": {"where": SignalFilter(signal_types=frozenset({SignalType.SELL}))},
    "status by date": {"where": SignalFilter(statuses=frozenset({Status.STOP_HIT}))},
    "open by date": {"where": SignalFilter(statuses=frozenset({Status.OPEN}))},
    "feed by quality": {"sort": Sort.QUALITY},
    "feed by confidence": {"sort": Sort.CONFIDENCE},
    "feed by quality, worst first": {"sort": Sort.QUALITY, "descending": False},
    "symbol by quality": {"sort": Sort.QUALITY, "where": SignalFilter(symbols=frozenset({_ONE}))},
    "symbol by confidence": {"sort": Sort.CONFIDENCE, "where": SignalFilter(symbols=frozenset({_ONE}))},
    "feed by date, oldest first": {"descending": False},
}
"""The access patterns whose pages ARCHITECTURE.md promises to cost little more than they show."""

OTHERS: Mapping[str, dict[str, Any]] = {
    "symbol and status": {"where": parse(f"symbol:{_OTHER} status:stop").where},
    "symbol, strategy and type": {"where": parse(f"symbol:{_OTHER} strategy:breakout type:sell").where},
    "strategy, status and regime": {"where": parse("strategy:momentum status:target regime:UP").where},
    "regime and timeframe": {"where": parse("regime:RANGE timeframe:4h").where},
    "three symbols, best first": {
        "sort": Sort.QUALITY,
        "where": SignalFilter(symbols=frozenset(SYMBOLS[:3]), statuses=frozenset({Status.TARGET_HIT})),
    },
    "quality above 80 by date": {"where": SignalFilter(quality=Between(80, 100))},
    "live sells above 80, likeliest first": {
        "sort": Sort.CONFIDENCE,
        "where": SignalFilter(
            quality=Between(80, 100), signal_types=frozenset({SignalType.SELL}), origins=frozenset({Origin.LIVE})
        ),
    },
    "two words": {"where": parse("coin03 breakout").where},
    "words and conditions": {"where": parse("coin03 breakout quality>50 status:stop").where},
    "timeframe, best first": {
        "sort": Sort.QUALITY,
        "where": SignalFilter(timeframes=frozenset({Timeframe.H4}), statuses=frozenset({Status.EXPIRED})),
    },
}
"""Combinations that no index answers alone."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one page cost: `floor` is half a read unit for every started 4 KB of the signals shown."""

    cost: Cost
    floor: float
    returned: int


class House:
    """The signal repository over a modelled record of one size."""

    def __init__(self, count: int, days: int) -> None:
        self.signals = SignalRows(count, days)
        os.environ.setdefault("SIGNALS_TABLE", "signals")
        os.environ.setdefault("POSTINGS_TABLE", "postings")
        self._model = ModelledDynamo(
            {os.environ["SIGNALS_TABLE"]: self.signals, os.environ["POSTINGS_TABLE"]: PostingRows(self.signals)}
        )
        self._repository = DynamoSignalRepository(b"cursors of a measurement")

    def page(self, query: FeedQuery) -> tuple[Page, Reading]:
        """Return one page and what it cost."""
        self._model.cost = Cost()
        real = aws.client
        aws.client = lambda *_, **__: self._model  # type: ignore[assignment] # the model stands in for the client
        try:
            page = self._repository.feed(query)
        finally:
            aws.client = real
        size = sum(item_size(item_of(signal).serialize()) for signal in page.signals)
        return page, Reading(self._model.cost, max(-(-size // READ_UNIT), 1) / 2, len(page.signals))

    def readings(self, asked: Mapping[str, Any], pages: int = PAGES) -> Iterator[Reading]:
        """Yield what the first pages of a question cost, one after another."""
        query = question(asked, self.signals.begin)
        for _ in range(pages):
            page, reading = self.page(query)
            yield reading
            if page.cursor is None:
                return
            query = replace(query, cursor=page.cursor)


def question(asked: Mapping[str, Any], begin: datetime) -> FeedQuery:
    """Return a query for pages of fifty: of the span that the API gives a ranking by itself, else of all time."""
    sort, where = asked.get("sort", Sort.CREATED), asked.get("where", SignalFilter())
    ranked = span_of(Search(where, None, None), sort, END - timedelta(seconds=1))
    since, until = (begin, END) if sort is Sort.CREATED else ranked
    return FeedQuery(since=since, until=until, visible_at=END, limit=LIMIT, **asked)


@dataclass(frozen=True, slots=True)
class Named:
    """What pages of the named access patterns cost, by pattern and size of the record."""

    readings: Mapping[str, Mapping[str, list[Reading]]]

    @property
    def ratios(self) -> dict[str, float]:
        """The dearest page of each pattern against its floor, at any size."""
        return {pattern: max(map(_ratio, sizes.values())) for pattern, sizes in self.readings.items()}

    @property
    def units(self) -> dict[str, dict[str, float]]:
        """The mean read units of a page."""
        return {
            pattern: {size: mean(reading.cost.units for reading in each) for size, each in sizes.items()}
            for pattern, sizes in self.readings.items()
        }

    @property
    def queries(self) -> int:
        """The most queries that a page took."""
        return max(
            reading.cost.queries for sizes in self.readings.values() for each in sizes.values() for reading in each
        )


@subject("History: read units of a page against the bytes it shows, and their growth with the record")
def measure() -> Findings:
    """Return `history.read_units_vs_floor`, `history.units_growth` and `history.items_read_per_returned`."""
    houses = {name: House(*size) for name, size in SIZES.items()}
    named = Named({
        pattern: {size: list(house.readings(asked)) for size, house in houses.items()}
        for pattern, asked in NAMED.items()
    })  # fmt: skip
    others = {pattern: _per_returned(houses["1,000,000"], asked) for pattern, asked in OTHERS.items()}
    return Findings(
        figures=(_against_floor(named), _growth(named), _read_per_returned(others)),
        tables=(_pages(named), _combinations(others), _writes(houses["1,000"])),
    )


def _against_floor(named: Named) -> Figure:
    return Figure(
        "history.read_units_vs_floor",
        max(named.ratios.values()),
        "lower",
        1.5,
        f"read units of a page of {LIMIT} / half a unit per 4 KB it shows; the worst of {len(NAMED)} access patterns at"
        f" {', '.join(SIZES)} signals, rankings over the span that the API gives them by itself; at most"
        f" {named.queries} queries per page; DynamoDB's Query modelled from item sizes",
    )


def _growth(named: Named) -> Figure:
    return Figure(
        "history.units_growth",
        max(max(sizes.values()) / min(sizes.values()) for sizes in named.units.values()),
        "lower",
        1.05,
        f"read units of the same pages, the dearest of {', '.join(SIZES)} signals / the cheapest; the worst pattern",
    )


def _read_per_returned(others: Mapping[str, tuple[str, ...]]) -> Figure:
    return Figure(
        "history.items_read_per_returned",
        max(float(row[1]) for row in others.values()),
        "lower",
        20,
        f"signals read / returned by one request that returned any; the worst of the first {PAGES} pages of each of"
        f" {len(OTHERS)} combinations that no index answers alone, at 1,000,000 signals; postings, 80 bytes each, are"
        " in the table",
    )


def _pages(named: Named) -> Table:
    rows = (
        (pattern, *(f"{value:.1f}" for value in sizes.values()), f"{named.ratios[pattern]:.3f}")
        for pattern, sizes in named.units.items()
    )
    return Table(f"Read units of a page of {LIMIT}", ("pattern", *SIZES, "worst / floor"), tuple(rows))


def _combinations(others: Mapping[str, tuple[str, ...]]) -> Table:
    columns = (
        "combination", "read per returned", "worst request", "postings per returned", "signals per page",
        "read units per page",
    )  # fmt: skip
    return Table(
        "Combinations at 1,000,000 signals", columns, tuple((pattern, *row) for pattern, row in others.items())
    )


def _ratio(readings: list[Reading]) -> float:
    return max(reading.cost.units / reading.floor for reading in readings)


def _per_returned(house: House, asked: Mapping[str, Any]) -> tuple[str, ...]:
    readings = list(house.readings(asked))
    returned = max(sum(reading.returned for reading in readings), 1)
    read, postings = (
        [reading.cost.items[os.environ[setting]] for reading in readings]
        for setting in ("SIGNALS_TABLE", "POSTINGS_TABLE")
    )
    worst = max(each / page.returned for each, page in zip(read, readings, strict=True) if page.returned)
    units = mean(reading.cost.units for reading in readings)
    return (
        f"{sum(read) / returned:.2f}",
        f"{worst:.2f}",
        f"{sum(postings) / returned:.2f}",
        f"{returned / len(readings):.1f}",
        f"{units:.1f}",
    )


def _writes(house: House) -> Table:
    """What the life of a signal costs to write, from the sizes of one with everything a signal may have."""
    row = next(
        row
        for row in range(house.signals.count)
        if (signal := house.signals.signal(row)).confidence is not None and signal.status is Status.TARGET_HIT
    )
    ended = house.signals.signal(row)
    opened = replace(ended, status=Status.OPEN, may_act=True, ending=None)
    size = item_size(item_of(ended).serialize())
    unit = -(-size // WRITE_UNIT)
    schema = SignalItem._get_schema()
    indexes = len(schema["global_secondary_indexes"]) + len(schema["local_secondary_indexes"])
    words = len(words_of(opened))
    return Table(
        f"Write units of a signal of {size} bytes, with a confidence ({indexes} indexes)",
        ("what", "table", "indexes", "words", "together"),
        (
            ("given", str(unit), str(unit * indexes), str(words), str(unit * (1 + indexes) + words)),
            ("filled or revised", str(unit), str(unit * indexes), "0", str(unit * (1 + indexes))),
            # The entry by status moves (one more), that of the open signals goes.
            ("ended", str(unit), str(unit * (indexes + 1)), "0", str(unit * (2 + indexes))),
        ),
    )
