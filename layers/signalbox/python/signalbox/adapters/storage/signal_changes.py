"""Changes of signals in DynamoDB, each with its record in the price history: both are written, or neither."""

from collections.abc import Mapping
from typing import Any

from pynamodb.transactions import TransactWrite

from signalbox.adapters.storage.dynamo import ConditionFailedError, SharedConnection
from signalbox.adapters.storage.postings import write_postings
from signalbox.adapters.storage.price_history import PriceHistoryItem
from signalbox.adapters.storage.publication import require_update
from signalbox.adapters.storage.signal_items import SignalItem, still, update_actions
from signalbox.adapters.storage.signal_keys import created_key
from signalbox.domain.signals.signal import Signal


class DynamoSignalChanges:
    """Implements `ports.SignalChanges`.

    A change with a record is one transaction, which costs twice the write units of its two items: a crash between
    them would otherwise leave a signal whose history lacks what became of it, for good.
    """

    def apply(self, before: Signal, after: Signal, record: Mapping[str, Any] | None = None) -> bool:
        """Replace `before` by `after` and append `record` as number `after.revision`; see `ports.SignalChanges`."""
        require_update(before, after)
        write_postings(after, before)
        item = SignalItem(before.symbol, created_key(before.key))
        try:
            if record is None:
                item.update(update_actions(after), still(before))
                return True
            entry = PriceHistoryItem(before.signal_id, after.revision, record=dict(record))
            with TransactWrite(connection=SharedConnection()) as transaction:
                transaction.update(item, update_actions(after), still(before))
                transaction.save(entry, PriceHistoryItem.signal_id.does_not_exist())
        except ConditionFailedError:
            return False
        return True
