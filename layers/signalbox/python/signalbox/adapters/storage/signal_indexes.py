"""The indexes of the signals table, each named for the question it answers.

All hold whole items: a page then is one query and reads little more than the bytes it shows. Keys alone would make it a
query and a read of each signal, three times as many read units. What that costs to write is in ARCHITECTURE.md.
"""

from typing import TYPE_CHECKING

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, LocalSecondaryIndex

from signalbox.adapters.storage.attributes import WholeAttribute, WordAttribute
from signalbox.domain.signals.signal import SignalType, Status

if TYPE_CHECKING:
    from signalbox.adapters.storage.signal_items import SignalItem  # noqa: F401 - named in quotes


class FeedByTimeIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """What was given lately, over all symbols? One partition per month (and bucket), in order of creation."""

    class Meta:
        index_name = "feed-by-time"
        projection = AllProjection()

    feed_partition = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)


class FeedByQualityIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """What was best in a month, over all symbols?"""

    class Meta:
        index_name = "feed-by-quality"
        projection = AllProjection()

    feed_partition = UnicodeAttribute(hash_key=True)
    quality_key = UnicodeAttribute(range_key=True)


class FeedByConfidenceIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """What was likeliest in a month, over all symbols? Sparse: only signals that have a confidence."""

    class Meta:
        index_name = "feed-by-confidence"
        projection = AllProjection()

    feed_partition = UnicodeAttribute(hash_key=True)
    confidence_key = UnicodeAttribute(range_key=True)


class SymbolByQualityIndex(LocalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """What was best of a symbol? Local: it shares the table's hash key, and the eight global ones are counted."""

    class Meta:
        index_name = "symbol-by-quality"
        projection = AllProjection()

    symbol = UnicodeAttribute(hash_key=True)
    quality_key = UnicodeAttribute(range_key=True)


class SymbolByConfidenceIndex(LocalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """What was likeliest of a symbol? Local and sparse."""

    class Meta:
        index_name = "symbol-by-confidence"
        projection = AllProjection()

    symbol = UnicodeAttribute(hash_key=True)
    confidence_key = UnicodeAttribute(range_key=True)


class StrategyByTimeIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """What did a strategy give lately?"""

    class Meta:
        index_name = "strategy-by-time"
        projection = AllProjection()

    strategy = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)


class TypeByTimeIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """What was there to buy, or to sell, lately?"""

    class Meta:
        index_name = "type-by-time"
        projection = AllProjection()

    signal_type = WordAttribute(SignalType, hash_key=True)
    created_key = UnicodeAttribute(range_key=True)


class StatusByTimeIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """Which signals hit their stop lately? An ending moves the entry: one is deleted and one put."""

    class Meta:
        index_name = "status-by-time"
        projection = AllProjection()

    status = WordAttribute(Status, hash_key=True)
    created_key = UnicodeAttribute(range_key=True)


class OpenBySymbolIndex(GlobalSecondaryIndex["SignalItem"]):  # type: ignore[no-untyped-call] # see above
    """Which signals of these symbols are open? Sparse: an ending removes the key, and with it the entry."""

    class Meta:
        index_name = "open-by-symbol"
        projection = AllProjection()

    open_bucket = WholeAttribute(hash_key=True)
    open_key = UnicodeAttribute(range_key=True)
