"""Up to where symbols were looked at for alerts, in DynamoDB: one item per shard, which its next check replaces."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zlib import compress, decompress

from signalbox.adapters.clocks import WallClock
from signalbox.adapters.storage.alert_items import AlertItem
from signalbox.adapters.storage.attributes import compact_json
from signalbox.adapters.storage.dynamo import ConditionFailedError
from signalbox.domain.alerts.alert import Window
from signalbox.domain.alerts.checks import Check
from signalbox.domain.instants import from_iso, to_iso, to_ms
from signalbox.ports.work import Clock

KEPT = timedelta(days=7)
"""How long the checks of a shard are kept that no longer is cut so."""


class DynamoAlertChecks:
    """Implements `ports.AlertChecks`.

    Parameters
    ----------
    clock : Clock, optional
        What items expire by: the wall clock, also in stepped runs.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()

    def load(self, bucket: int) -> dict[str, Check]:
        """Return the last check of every symbol of a bucket; of a symbol that two shards had, the later one."""
        pages = AlertItem.query_raw("#account_id = :id", {":id": {"S": _partition(bucket)}}, ConsistentRead=True)
        found: dict[str, Check] = {}
        for page in pages:
            for raw in page:
                for symbol, record in _decode(AlertItem.values(raw)["record"]).items():
                    check = _check_of(record)
                    if symbol not in found or found[symbol].at <= check.at:
                        found[symbol] = check
        return found

    def save(self, bucket: int, checks: Mapping[str, Check]) -> None:
        """Store the checks of a shard's symbols, unless a later check of the same shard is stored."""
        if not checks:
            return
        shard = sha256("\n".join(sorted(checks)).encode()).hexdigest()[:12]
        record = _encode({symbol: _record_of(check) for symbol, check in checks.items()})
        at = to_ms(max(check.at for check in checks.values()))
        item = AlertItem(_partition(bucket), shard, version=at, record=record, ttl=self._clock.now() + KEPT)
        try:
            item.save(AlertItem.version.does_not_exist() | (AlertItem.version <= at))
        except ConditionFailedError:
            return


def _partition(bucket: int) -> str:
    return f"check:{bucket}"


def _encode(records: Mapping[str, Any]) -> str:
    return b64encode(compress(compact_json(records).encode())).decode()


def _decode(text: str) -> dict[str, Any]:
    records: dict[str, Any] = json.loads(decompress(b64decode(text)))
    return records


def _record_of(check: Check) -> dict[str, Any]:
    return {
        "at": to_iso(check.at),
        "candles_until": to_iso(check.candles_until),
        "price": None if check.price is None else f"{check.price:f}",
        "up": {window: f"{move:f}" for window, move in check.up.items()},
        "down": {window: f"{move:f}" for window, move in check.down.items()},
    }


def _check_of(record: Mapping[str, Any]) -> Check:
    return Check(
        at=from_iso(record["at"]),
        candles_until=from_iso(record["candles_until"]),
        price=None if record["price"] is None else Decimal(record["price"]),
        up={Window(window): Decimal(move) for window, move in record["up"].items()},
        down={Window(window): Decimal(move) for window, move in record["down"].items()},
    )
