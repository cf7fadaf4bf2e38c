"""Signals in DynamoDB, for those who only look one up."""

from signalbox.adapters.storage.signal_items import SignalItem, signal_of
from signalbox.adapters.storage.signal_keys import created_key
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import Signal


class DynamoStoredSignals:
    """Implements `ports.StoredSignals`."""

    def get(self, signal_id: str) -> Signal | None:
        """Return the signal as it is now (a consistent read), or None; raise InvalidValueError for no signal id."""
        key = decode(signal_id)
        raw = SignalItem.fetch_raw({"symbol": key.symbol, "created_key": created_key(key)})
        return None if raw is None else signal_of(raw)
