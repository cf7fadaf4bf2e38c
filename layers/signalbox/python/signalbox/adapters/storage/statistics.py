"""Statistics in DynamoDB: numbers that only ever get added to, together with the mark that says what was added.

An item holds a day's or a month's numbers of one cut, an attribute each; the cuts of one kind lie side by side, so that
a span is one query however many symbols there are. One transaction adds a batch of events to their days and months and
puts a mark for each event, on condition that there is none: whatever is redelivered or crashes, an event is in all its
items once, or in none. Marks outlive everything that could bring an event again.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import uniform
from typing import Any

from botocore.exceptions import ClientError
from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UnicodeSetAttribute

from signalbox.adapters.storage.attributes import WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table, call
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin
from signalbox.domain.statistics.contributions import Contribution
from signalbox.domain.statistics.daily import DailyStatistics, total
from signalbox.domain.statistics.keys import kind_of, value_of
from signalbox.domain.statistics.periods import Grain, Span, piece_name, piece_start, pieces_in
from signalbox.ports.statistics import Pieces, Series, StatisticsReader

MARKS_KEPT = timedelta(days=30)
"""More than a stream (1 day), a queue (4) and a dead-letter queue (14) keep an event."""
MOST_ITEMS = 100
"""What one transaction takes."""
MOST_EVENTS = 10
"""Events of one transaction: keeps update expressions far below DynamoDB's 4 KB."""
ATTEMPTS = 8
LONGEST_PAUSE = 0.1

_ONLY = "-"
_GENERATIONS = "generations"
_AFTER = "$"
"""The character after `#`: what is stored under a piece's name, whatever its cut, sorts before the name and this."""
_Key = tuple[str, str]


class StatisticsItem(Table):
    """The numbers of one cut in one day or month, each an attribute under its own name; or a mark; or one series of the
    directory with its cuts; or, under `generations`, which generation is served and which is being built."""

    class Meta:
        table_name = ""

    setting = "STATISTICS_TABLE"
    partition = UnicodeAttribute(hash_key=True)  # generation#origin#strategy#timeframe#kind
    period = UnicodeAttribute(range_key=True)  # `day 2024-01-05#BTC/USDT`, `month 2024-01#`
    cuts = UnicodeSetAttribute(null=True)  # only in the directory
    serving = WholeAttribute(null=True)  # only of the generations
    building = WholeAttribute(null=True)
    ttl = TTLAttribute(null=True)  # only of marks


class DynamoStatisticsRepository:
    """Implements `ports.StatisticsRepository`.

    Parameters
    ----------
    pause : callable, optional
        Waits so many seconds between attempts.
    """

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._listed: set[tuple[str, str, str]] = set()

    def count(self, contributions: Sequence[Contribution], now: datetime) -> int:
        """Add what was not added before; see `ports.StatisticsRepository`."""
        serving, building = _generations()
        if building is not None:
            self._add(building, contributions, now)
        return self._add(serving, contributions, now)

    def reader(self) -> StatisticsReader:
        """Return a reader of the generation that is served now."""
        return _Reader(_generations()[0])

    def begin_rebuild(self) -> None:
        """Begin a new generation; see `ports.StatisticsRepository`."""
        serving, building = _generations()
        newest = max(serving, building or 0)
        _keep_generations(serving, newest + 1)
        for generation in range(max(newest - 2, 1), newest + 1):
            if generation != serving:
                _forget(generation)

    def recount(self, contributions: Iterable[Contribution], now: datetime) -> int:
        """Add to the new generation what it does not hold; see `ports.StatisticsRepository`."""
        return self._add(_building(), list(contributions), now)

    def finish_rebuild(self) -> None:
        """Serve the new generation."""
        _keep_generations(_building(), None)

    def _add(self, generation: int, contributions: Sequence[Contribution], now: datetime) -> int:
        once = {each.event: each for each in contributions}
        self._list(generation, once.values())
        return sum(self._add_together(generation, batch, now) for batch in _batches(list(once.values())))

    def _add_together(self, generation: int, batch: Sequence[Contribution], now: datetime) -> int:
        """Add a batch without those of its events that were added before, until that is done."""
        left = list(batch)
        for _ in range(ATTEMPTS):
            if not left:
                return 0
            try:
                call("TransactWriteItems", {"TransactItems": list(_writes(generation, left, now))})
            except ConditionFailedError as e:
                marked = _marked(e)
                left = [each for number, each in enumerate(left) if number not in marked]
                if not marked:  # somebody else is adding to the same items
                    self._pause(uniform(LONGEST_PAUSE / 10, LONGEST_PAUSE))
            else:
                return len(left)
        raise StorageUnavailableError(f"{len(left)} events met other writers {ATTEMPTS} times, nothing of them counted")

    def _list(self, generation: int, contributions: Iterable[Contribution]) -> None:
        """Enter what is to be counted in the directory, before it is: what is listed may be empty, never missing."""
        fresh = defaultdict(set)
        for each in contributions:
            for key in each.keys:
                place = (_directory(generation, key.origin), f"{key.strategy}#{key.timeframe}")
                if (*place, key.cut) not in self._listed:
                    fresh[place].add(key.cut)
        for (partition, period), cuts in fresh.items():
            StatisticsItem(partition, period).update([StatisticsItem.cuts.add(cuts)])
            self._listed |= {(partition, period, cut) for cut in cuts}


class _Reader:
    """Implements `ports.StatisticsReader` for one generation. Reads eventually: figures are a moment old anyway."""

    def __init__(self, generation: int) -> None:
        self._generation = generation

    def series(self, origin: Origin) -> list[Series]:
        """Return what there are statistics of."""
        pages = StatisticsItem.query_raw(
            "#partition = :partition", {":partition": {"S": _directory(self._generation, origin)}}
        )
        found = []
        for raw in (raw for page in pages for raw in page):
            strategy, _, timeframe = raw["period"]["S"].rpartition("#")
            found.append(Series(strategy, Timeframe(timeframe), frozenset(raw["cuts"]["SS"])))
        return found

    def pieces(self, origin: Origin, series: Series, kind: str, span: Span) -> Pieces:
        """Return the stored pieces of a span, by cut, of every cut of a kind: one query."""
        pages = StatisticsItem.query_raw(
            "#partition = :partition AND #period BETWEEN :first AND :last",
            {
                ":partition": {"S": _partition(self._generation, origin, series.strategy, series.timeframe, kind)},
                ":first": {"S": piece_name(span.grain, span.first)},
                ":last": {"S": piece_name(span.grain, span.last) + _AFTER},
            },
        )
        found: dict[str, dict[date, DailyStatistics]] = defaultdict(dict)
        for raw in (raw for page in pages for raw in page):
            name, _, value = raw["period"]["S"].partition("#")
            found[f"{kind}={value}" if value else kind][piece_start(name)] = _numbers(raw)
        return found

    def pieces_of(self, origin: Origin, series: Series, cut: str, span: Span) -> Mapping[date, DailyStatistics]:
        """Return those of one cut: read by their keys, without the others of its kind between them."""
        partition = _partition(self._generation, origin, series.strategy, series.timeframe, kind_of(cut))
        keys = [{"partition": partition, "period": f"{name}#{value_of(cut)}"} for name in pieces_in(span)]
        found = {raw["period"]["S"].partition("#")[0]: raw for raw in StatisticsItem.fetch_many_raw(keys)}
        return {piece_start(name): _numbers(raw) for name, raw in sorted(found.items())}


def _partition(generation: int, origin: str, strategy: str, timeframe: str, kind: str) -> str:
    return f"{generation}#{origin}#{strategy}#{timeframe}#{kind}"


def _directory(generation: int, origin: str) -> str:
    return f"{generation}#{origin}#directory"


def _numbers(raw: RawItem) -> DailyStatistics:
    keys = StatisticsItem.get_attributes()
    return DailyStatistics.read({name: int(Decimal(value["N"])) for name, value in raw.items() if name not in keys})


def _places(generation: int, contribution: Contribution) -> list[_Key]:
    """The items that a contribution is added to: the day and the month of each of its keys."""
    return [
        (
            _partition(generation, key.origin, key.strategy, key.timeframe, kind_of(key.cut)),
            f"{piece_name(grain, key.day)}#{value_of(key.cut)}",
        )
        for key in contribution.keys
        for grain in Grain
    ]


def _batches(contributions: Sequence[Contribution]) -> Iterator[list[Contribution]]:
    """Group contributions so that each group fits one transaction: a mark each, and the items that they share."""
    batch: list[Contribution] = []
    places: set[_Key] = set()
    for each in contributions:
        more = places | set(_places(0, each))
        if batch and (len(batch) == MOST_EVENTS or len(batch) + 1 + len(more) > MOST_ITEMS):
            yield batch
            batch, more = [], set(_places(0, each))
        batch.append(each)
        places = more
    if batch:
        yield batch


def _writes(generation: int, batch: Sequence[Contribution], now: datetime) -> Iterator[dict[str, Any]]:
    """The writes of one transaction, the marks first and in the batch's order."""
    name, expires = StatisticsItem.name(), str(int((now + MARKS_KEPT).timestamp()))
    for each in batch:
        mark = {"partition": {"S": f"{generation}#counted#{each.event}"}, "period": {"S": _ONLY}, "ttl": {"N": expires}}
        yield {"Put": {"TableName": name, "Item": mark, "ConditionExpression": "attribute_not_exists(#p)",
                       "ExpressionAttributeNames": {"#p": "partition"}}}  # fmt: skip
    added: dict[_Key, list[DailyStatistics]] = defaultdict(list)
    for each in batch:
        for place in _places(generation, each):
            added[place].append(each.numbers)
    for (partition, period), values in added.items():
        numbers = total(values).numbers
        yield {
            "Update": {
                "TableName": name,
                "Key": {"partition": {"S": partition}, "period": {"S": period}},
                "UpdateExpression": "ADD " + ", ".join(f"#{at} :{at}" for at in range(len(numbers))),
                "ExpressionAttributeNames": {f"#{at}": each for at, each in enumerate(numbers)},
                "ExpressionAttributeValues": {f":{at}": {"N": str(n)} for at, n in enumerate(numbers.values())},
            }
        }


def _marked(error: ConditionFailedError) -> set[int]:
    """Return the places in the transaction of the marks that were there already."""
    cause = error.__cause__
    reasons: Any = cause.response.get("CancellationReasons", []) if isinstance(cause, ClientError) else []
    return {at for at, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed"}


def _generations() -> tuple[int, int | None]:
    """Return the generation that is served, and the one that is being built or None; read consistently."""
    values = StatisticsItem.fetch(partition=_GENERATIONS, period=_ONLY)
    return (1, None) if values is None else (values["serving"], values["building"])


def _keep_generations(serving: int, building: int | None) -> None:
    StatisticsItem(_GENERATIONS, _ONLY, serving=serving, building=building).save()


def _building() -> int:
    building = _generations()[1]
    if building is None:
        raise InvalidValueError("a rebuild must have begun, none has")
    return building


def _forget(generation: int) -> None:
    """Delete what is listed of a generation, the directory last, so that a crash leaves nothing that is not listed."""
    reader = _Reader(generation)
    for origin in Origin:
        for series in reader.series(origin):
            for kind in sorted({kind_of(cut) for cut in series.cuts}):
                _delete(_partition(generation, origin, series.strategy, series.timeframe, kind))
        _delete(_directory(generation, origin))


def _delete(partition: str) -> None:
    for page in StatisticsItem.query_raw("#partition = :partition", {":partition": {"S": partition}}):
        for raw in page:
            StatisticsItem(partition, raw["period"]["S"]).delete()
