"""Suppressions in DynamoDB."""

from datetime import datetime
from itertools import chain, islice

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from signalbox.adapters.storage.attributes import (
    CompactJSONAttribute,
    DecimalAttribute,
    FloatAttribute,
    MomentAttribute,
    WholeAttribute,
    WordAttribute,
    sortable_iso,
)
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table
from signalbox.adapters.storage.signal_items import LEVELS, EndingAttribute
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Ending, Levels, Origin, SignalType
from signalbox.domain.signals.suppression import Suppression, SuppressionReason


class UnresolvedIndex(GlobalSecondaryIndex["SuppressionItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """Which candidates of a symbol are over and not judged yet? Sparse: an ending takes them out, and what was refused
    for its data is never in."""

    class Meta:
        index_name = "unresolved"
        projection = AllProjection()

    unresolved = UnicodeAttribute(hash_key=True)
    expires_at = MomentAttribute(range_key=True)


class SuppressionItem(Table):
    """One suppression, beside the signals of its symbol in time."""

    class Meta:
        table_name = ""

    setting = "SUPPRESSIONS_TABLE"
    by_expiry = UnresolvedIndex()

    symbol = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)  # created_at#signal_id#reason

    exchange = UnicodeAttribute()
    timeframe = WordAttribute(Timeframe)
    strategy = UnicodeAttribute()
    reason = WordAttribute(SuppressionReason)
    detail = UnicodeAttribute()
    origin = WordAttribute(Origin)
    signal_type = WordAttribute(SignalType, null=True)
    entry_price = DecimalAttribute(null=True)
    target_price = DecimalAttribute(null=True)
    stop_loss = DecimalAttribute(null=True)
    expires_at = MomentAttribute(null=True)
    quality_score = FloatAttribute(null=True)
    features = CompactJSONAttribute(null=True)
    feature_version = WholeAttribute(null=True)
    ending = EndingAttribute(null=True)
    unresolved = UnicodeAttribute(null=True)  # the symbol, only of a candidate without an ending


_STORED_AS_IS = tuple(
    name for name in SuppressionItem.get_attributes() if name not in ("created_key", "unresolved", *LEVELS)
)


class DynamoSuppressionRepository:
    """Implements `ports.SuppressionRepository`."""

    def add(self, suppression: Suppression) -> bool:
        """Store it; return False, changing nothing, if it is there already."""
        levels = suppression.levels
        values = {name: getattr(suppression, name) for name in _STORED_AS_IS}
        return SuppressionItem(
            created_key=_created_key(suppression),
            unresolved=suppression.symbol if suppression.is_candidate and suppression.ending is None else None,
            **values | {"features": None if suppression.features is None else dict(suppression.features)},
            **{} if levels is None else {name: getattr(levels, name) for name in LEVELS},
        ).put_new()

    def of_symbol(self, symbol: str, limit: int) -> list[Suppression]:
        """Return the newest suppressions of a symbol, newest first."""
        return [_suppression_of(raw) for raw in SuppressionItem.newest_raw("symbol", symbol, limit)]

    def due(self, symbol: str, until: datetime, limit: int) -> list[Suppression]:
        """Return the first `limit` candidates of a symbol that ran out before `until` and have no ending yet, by that
        time. What has ended is not read, however much there is."""
        if limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {limit}")
        pages = SuppressionItem.query_raw(
            "#unresolved = :symbol AND #expires_at < :until",
            {":symbol": {"S": symbol}, ":until": {"S": sortable_iso(until)}},
            IndexName="unresolved",
            Limit=limit,
        )
        return [_suppression_of(raw) for raw in islice(chain.from_iterable(pages), limit)]

    def resolve(self, suppression: Suppression, ending: Ending) -> bool:
        """Store how the stored suppression would have ended; return False, changing nothing, if that is known
        already."""
        item = SuppressionItem(suppression.symbol, _created_key(suppression))
        unresolved = SuppressionItem.reason.exists() & SuppressionItem.ending.does_not_exist()
        try:
            item.update([SuppressionItem.ending.set(ending), SuppressionItem.unresolved.remove()], unresolved)
        except ConditionFailedError:
            return False
        return True


def _created_key(suppression: Suppression) -> str:
    return f"{suppression.key.sort_key}#{suppression.reason}"


def _suppression_of(raw: RawItem) -> Suppression:
    values = SuppressionItem.values(raw)
    return Suppression(
        created_at=from_iso(values["created_key"].partition("#")[0]),
        levels=Levels(**{name: values[name] for name in LEVELS}) if values["entry_price"] is not None else None,
        **{name: values[name] for name in _STORED_AS_IS if name in values},
    )
