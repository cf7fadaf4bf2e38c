"""Price history in DynamoDB: what changed about a signal, append only."""

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, WholeAttribute
from signalbox.adapters.storage.dynamo import Table


class PriceHistoryItem(Table):
    """One change of one signal, numbered by its revision."""

    class Meta:
        table_name = ""

    setting = "PRICE_HISTORY_TABLE"
    signal_id = UnicodeAttribute(hash_key=True)
    sequence = WholeAttribute(range_key=True)
    record = CompactJSONAttribute()


class DynamoPriceHistory:
    """Implements `ports.PriceHistory`."""

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        """Store record number `revision`; return False, changing nothing, if there is one.

        Raises InvalidValueError if the record is not made of JSON's own types.
        """
        return PriceHistoryItem(signal_id, revision, record=dict(record)).put_new()

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        """Return the records of a signal, oldest first."""
        pages = PriceHistoryItem.query_raw("#signal_id = :id", {":id": {"S": signal_id}}, ConsistentRead=True)
        return [PriceHistoryItem.values(raw)["record"] for page in pages for raw in page]
