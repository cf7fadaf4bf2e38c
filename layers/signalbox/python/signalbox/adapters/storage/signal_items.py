"""The signals table: its keys and indexes, and how a signal is spelled in it."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from zlib import crc32

from pynamodb.attributes import Attribute, BooleanAttribute, UnicodeAttribute
from pynamodb.constants import STRING
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from signalbox.adapters.storage.attributes import (
    CompactJSONAttribute,
    DecimalAttribute,
    FloatAttribute,
    MomentAttribute,
    WholeAttribute,
    WordAttribute,
    WordsAttribute,
    compact_json,
    sortable_iso,
)
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.adapters.storage.publication import LIFECYCLE
from signalbox.adapters.storage.signal_indexes import (
    FeedByConfidenceIndex,
    FeedByQualityIndex,
    FeedByTimeIndex,
    OpenBySymbolIndex,
    StatusByTimeIndex,
    StrategyByTimeIndex,
    SymbolByConfidenceIndex,
    SymbolByQualityIndex,
    TypeByTimeIndex,
)
from signalbox.adapters.storage.signal_keys import (
    confidence_key,
    created_key,
    feed_partition,
    quality_key,
    without_space,
)
from signalbox.domain.instants import from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import Costs
from signalbox.domain.signals.signal import Ending, Levels, Origin, Signal, SignalType, Status
from signalbox.domain.universe.planning import OPEN_PARTITIONS

OPEN_BUCKETS = OPEN_PARTITIONS
"""Partitions of the open signals; fixed, because changing it would move every open signal."""
LEVELS = ("entry_price", "target_price", "stop_loss")


def open_bucket(symbol: str) -> int:
    """Return the partition that the open signals of `symbol` lie in."""
    return crc32(symbol.encode()) % OPEN_BUCKETS


class EndingAttribute(Attribute[Ending]):
    """A signal's ending as compact JSON, decimals as text."""

    attr_type = STRING

    def serialize(self, value: Ending) -> str:
        """Return compact JSON."""
        exit_price = None if value.exit_price is None else str(value.exit_price)
        return compact_json({**asdict(value), "ended_at": sortable_iso(value.ended_at), "exit_price": exit_price})

    def deserialize(self, value: str) -> Ending:
        """Return the stored ending."""
        stored = CompactJSONAttribute().deserialize(value)
        costs, exit_price = stored.get("costs"), stored["exit_price"]
        return Ending(
            **{
                **stored,
                "status": Status(stored["status"]),
                "ended_at": from_iso(stored["ended_at"]),
                "exit_price": None if exit_price is None else Decimal(exit_price),
                "costs": None if costs is None else Costs(**costs),
            }
        )


class SignalItem(Table):
    """One signal, keyed so that a symbol's history is one query in order of creation, and an id is its key."""

    class Meta:
        table_name = ""

    setting = "SIGNALS_TABLE"
    feed_by_time = FeedByTimeIndex()
    feed_by_quality = FeedByQualityIndex()
    feed_by_confidence = FeedByConfidenceIndex()
    symbol_by_quality = SymbolByQualityIndex()
    symbol_by_confidence = SymbolByConfidenceIndex()
    strategy_by_time = StrategyByTimeIndex()
    type_by_time = TypeByTimeIndex()
    status_by_time = StatusByTimeIndex()
    open_by_symbol = OpenBySymbolIndex()

    symbol = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)  # created_at#signal_id, as `signal_keys` spells it
    feed_partition = UnicodeAttribute()  # month#bucket of created_at
    quality_key = UnicodeAttribute()  # quality#created_at#signal_id
    confidence_key = UnicodeAttribute(null=True)  # likewise; only with a confidence
    open_bucket = WholeAttribute(null=True)  # only while open, like open_key
    open_key = UnicodeAttribute(null=True)  # symbol#created_key

    exchange = UnicodeAttribute()
    timeframe = WordAttribute(Timeframe)
    strategy = UnicodeAttribute()
    strategy_version = WholeAttribute()
    signal_type = WordAttribute(SignalType)
    entry_price = DecimalAttribute()
    target_price = DecimalAttribute()
    stop_loss = DecimalAttribute()
    published_at = MomentAttribute()
    expires_at = MomentAttribute()
    quality_score = FloatAttribute()
    quality_parts = CompactJSONAttribute()
    confidence = FloatAttribute(null=True)
    regime = UnicodeAttribute()
    reasons = CompactJSONAttribute()
    summary = UnicodeAttribute()
    features = CompactJSONAttribute()
    feature_version = WholeAttribute()
    origin = WordAttribute(Origin)
    code_version = UnicodeAttribute()

    status = WordAttribute(Status)
    may_act = BooleanAttribute()
    revision = WholeAttribute()
    filled_price = DecimalAttribute(null=True)
    filled_at = MomentAttribute(null=True)
    checked_until = MomentAttribute(null=True)
    mfe_r = FloatAttribute()
    mae_r = FloatAttribute()
    ending = EndingAttribute(null=True)
    notes = WordsAttribute()
    last_close = DecimalAttribute(null=True)
    candles_missing = WholeAttribute()
    candles_hash = UnicodeAttribute()
    revised_price = DecimalAttribute(null=True)
    revised_at = MomentAttribute(null=True)


_KEYS_ONLY = ("created_key", "feed_partition", "quality_key", "confidence_key", "open_bucket", "open_key")
_STORED_AS_IS = tuple(name for name in SignalItem.get_attributes() if name not in (*_KEYS_ONLY, *LEVELS))


def item_of(signal: Signal) -> SignalItem:
    """Return the item that stores `signal`."""
    return SignalItem(
        created_key=created_key(signal.key),
        feed_partition=feed_partition(signal.symbol, signal.created_at),
        quality_key=quality_key(signal),
        confidence_key=confidence_key(signal),
        **{name: getattr(signal.levels, name) for name in LEVELS},
        **{name: _plain(getattr(signal, name)) for name in _STORED_AS_IS},
        **open_keys(signal),
    )


def signal_of(raw: RawItem) -> Signal:
    """Return the signal that a raw item, or an image in the table's stream, holds."""
    values = SignalItem.values(raw)
    created_at = from_iso(without_space(values["created_key"]).partition("#")[0])
    levels = Levels(**{name: values[name] for name in LEVELS})
    return Signal(
        created_at=created_at, levels=levels, **{name: values[name] for name in _STORED_AS_IS if name in values}
    )


def lifecycle_of(signal: Signal) -> dict[str, Any]:
    """Return the attributes that follow a signal's life, with its key in the index of open signals; None means that
    the attribute is absent."""
    return {**{name: getattr(signal, name) for name in LIFECYCLE}, **open_keys(signal)}


def update_actions(after: Signal) -> list[Action]:
    """Return the update that brings a stored signal to `after`; it touches nothing that was published."""
    attributes = SignalItem.get_attributes()
    return [
        attributes[name].remove() if value is None else attributes[name].set(value)
        for name, value in lifecycle_of(after).items()
    ]


def still(before: Signal) -> Condition:
    """Return the condition that a stored signal is as `before`: a fill is no revision, but checks candles."""
    checked, until = SignalItem.checked_until, before.checked_until
    condition: Condition = (
        (SignalItem.status == before.status)
        & (SignalItem.revision == before.revision)
        & (checked.does_not_exist() if until is None else checked == until)
    )
    return condition


def open_keys(signal: Signal) -> dict[str, Any]:
    """Return the key of a signal in the index of open signals, Nones once it has ended."""
    if signal.status is not Status.OPEN:
        return {"open_bucket": None, "open_key": None}
    return {"open_bucket": open_bucket(signal.symbol), "open_key": f"{signal.symbol}#{signal.key.sort_key}"}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
