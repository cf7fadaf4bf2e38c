"""Suppressions in DynamoDB."""

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import (
    CompactJSONAttribute,
    DecimalAttribute,
    FloatAttribute,
    MomentAttribute,
    WholeAttribute,
    WordAttribute,
)
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.adapters.storage.signal_items import LEVELS
from signalbox.domain.instants import from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Levels, Origin, SignalType
from signalbox.domain.signals.suppression import Suppression, SuppressionReason


class SuppressionItem(Table):
    """One suppression, beside the signals of its symbol in time."""

    class Meta:
        table_name = ""

    setting = "SUPPRESSIONS_TABLE"
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


_STORED_AS_IS = tuple(name for name in SuppressionItem.get_attributes() if name not in ("created_key", *LEVELS))


class DynamoSuppressionRepository:
    """Implements `ports.SuppressionRepository`."""

    def add(self, suppression: Suppression) -> bool:
        """Store it; return False, changing nothing, if it is there already."""
        levels = suppression.levels
        values = {name: getattr(suppression, name) for name in _STORED_AS_IS}
        return SuppressionItem(
            created_key=f"{suppression.key.sort_key}#{suppression.reason}",
            **values | {"features": None if suppression.features is None else dict(suppression.features)},
            **{} if levels is None else {name: getattr(levels, name) for name in LEVELS},
        ).put_new()

    def of_symbol(self, symbol: str, limit: int) -> list[Suppression]:
        """Return the newest suppressions of a symbol, newest first."""
        return [_suppression_of(raw) for raw in SuppressionItem.newest_raw("symbol", symbol, limit)]


def _suppression_of(raw: RawItem) -> Suppression:
    values = SuppressionItem.values(raw)
    return Suppression(
        created_at=from_iso(values["created_key"].partition("#")[0]),
        levels=Levels(**{name: values[name] for name in LEVELS}) if values["entry_price"] is not None else None,
        **{name: values[name] for name in _STORED_AS_IS if name in values},
    )
