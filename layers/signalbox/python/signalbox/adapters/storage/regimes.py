"""Regimes in DynamoDB: their changes only, in order of time.

A change and what its topic tells of it are one transaction: none is stored of which nobody hears, and none told twice.
The same transaction keeps a copy of the newest change of each series under a key that is known beforehand,
`newest#<series>`, so that a whole shard's regimes are one read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from pynamodb.attributes import UnicodeAttribute
from pynamodb.transactions import TransactWrite

from signalbox.adapters.clocks import WallClock
from signalbox.adapters.storage import topic_log
from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute, sortable_iso
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, SharedConnection, Table
from signalbox.domain.delivery.topics import REGIMES
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.domain.instants import EPOCH, from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, RegimeChange, Volatility
from signalbox.ports.work import Clock

_LAST_MOMENT = datetime(9999, 1, 1, tzinfo=UTC)


class RegimeItem(Table):
    """One change of regime of a symbol, or of the market, on one timeframe; or the copy of its newest one."""

    class Meta:
        table_name = ""

    setting = "REGIMES_TABLE"
    series = UnicodeAttribute(hash_key=True)  # symbol#timeframe, behind `newest#` for the copy
    since = MomentAttribute(range_key=True)  # the epoch for the copy
    changed_at = MomentAttribute(null=True)  # only of the copy: when the change was
    direction = WholeAttribute()
    volatility = WholeAttribute()


class DynamoRegimeRepository:
    """Implements `ports.RegimeRepository`.

    Parameters
    ----------
    clock : Clock, optional
        What entries of the topic expire by: the wall clock, also in stepped runs.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()

    def add(self, change: RegimeChange) -> bool:
        """Store a change and tell it in the topic of regimes; return False, changing nothing, if there is one of that
        moment or a later one.

        Raises StorageUnavailableError if others were first too many times.
        """
        series = _series(change.symbol, change.timeframe)
        direction, volatility = _code(change.direction), _code(change.volatility)
        item = RegimeItem(series, change.since, direction=direction, volatility=volatility)
        copy = RegimeItem(_newest(series), EPOCH, changed_at=change.since, direction=direction, volatility=volatility)
        for _ in range(topic_log.MOST_TRIES):
            newest = self.latest(change.symbol, change.timeframe, _LAST_MOMENT)
            if newest is not None and newest.since >= change.since:
                return False
            last = topic_log.last_number(REGIMES)
            try:
                with TransactWrite(connection=SharedConnection()) as transaction:
                    transaction.save(item, RegimeItem.series.does_not_exist())
                    older = RegimeItem.changed_at < change.since
                    transaction.save(copy, RegimeItem.series.does_not_exist() | older)
                    topic_log.append(transaction, REGIMES, [change.to_record()], last=last, now=self._clock.now())
            except ConditionFailedError:
                continue
            return True
        raise StorageUnavailableError(f"{change} must be told, met others {topic_log.MOST_TRIES} times")

    def latest(self, symbol: str, timeframe: Timeframe, until: datetime) -> RegimeChange | None:
        """Return the newest change not later than `until`, or None."""
        found = self.between(symbol, timeframe, EPOCH, until + timedelta(milliseconds=1), 1)
        return found[0] if found else None

    def latest_of(self, symbols: Sequence[str], timeframe: Timeframe, until: datetime) -> dict[str, RegimeChange]:
        """Return what `latest` does for each of `symbols` that has one: one consistent read, and one more for each
        symbol without any change, or with one later than `until`."""
        keys = {_newest(_series(symbol, timeframe)): symbol for symbol in symbols}
        asked = [{"series": key, "since": sortable_iso(EPOCH)} for key in keys]
        found: dict[str, RegimeChange] = {}
        for raw in RegimeItem.fetch_many_raw(asked, consistent=True):
            symbol, changed_at = keys[raw["series"]["S"]], from_iso(raw["changed_at"]["S"])
            if changed_at <= until:
                found[symbol] = replace(_change_of(symbol, timeframe, raw), since=changed_at)
        for symbol in symbols:
            change = None if symbol in found else self.latest(symbol, timeframe, until)
            if change is not None:
                found[symbol] = change
        return found

    def between(
        self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[RegimeChange]:
        """Return the newest `limit` changes in [since, until), newest first."""
        if limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {limit}")
        if since >= until:
            return []
        pages = RegimeItem.query_raw(
            "#series = :series AND #since BETWEEN :first AND :last",
            {
                ":series": {"S": _series(symbol, timeframe)},
                ":first": {"S": sortable_iso(since)},
                ":last": {"S": sortable_iso(until - timedelta(milliseconds=1))},
            },
            Limit=limit,
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        return [_change_of(symbol, timeframe, raw) for raw in next(pages)]


def _series(symbol: str, timeframe: Timeframe) -> str:
    return f"{symbol}#{timeframe}"


def _newest(series: str) -> str:
    return f"newest#{series}"


def _code(axis: IntEnum) -> int:
    return int(axis)


def _change_of(symbol: str, timeframe: Timeframe, raw: RawItem) -> RegimeChange:
    values = RegimeItem.values(raw)
    return RegimeChange(
        symbol, timeframe, values["since"], Direction(values["direction"]), Volatility(values["volatility"])
    )
