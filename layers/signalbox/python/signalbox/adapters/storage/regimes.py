"""Regimes in DynamoDB: their changes only, in order of time."""

from datetime import datetime, timedelta
from enum import IntEnum

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute, sortable_iso
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import EPOCH
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, RegimeChange, Volatility


class RegimeItem(Table):
    """One change of regime of a symbol, or of the market, on one timeframe."""

    class Meta:
        table_name = ""

    setting = "REGIMES_TABLE"
    series = UnicodeAttribute(hash_key=True)  # symbol#timeframe
    since = MomentAttribute(range_key=True)
    direction = WholeAttribute()
    volatility = WholeAttribute()


class DynamoRegimeRepository:
    """Implements `ports.RegimeRepository`."""

    def add(self, change: RegimeChange) -> bool:
        """Store a change; return False, changing nothing, if there is one of that moment."""
        return RegimeItem(
            _series(change.symbol, change.timeframe),
            change.since,
            direction=_code(change.direction),
            volatility=_code(change.volatility),
        ).put_new()

    def latest(self, symbol: str, timeframe: Timeframe, until: datetime) -> RegimeChange | None:
        """Return the newest change not later than `until`, or None."""
        found = self.between(symbol, timeframe, EPOCH, until + timedelta(milliseconds=1), 1)
        return found[0] if found else None

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


def _code(axis: IntEnum) -> int:
    return int(axis)


def _change_of(symbol: str, timeframe: Timeframe, raw: RawItem) -> RegimeChange:
    values = RegimeItem.values(raw)
    return RegimeChange(
        symbol, timeframe, values["since"], Direction(values["direction"]), Volatility(values["volatility"])
    )
