"""Price frames in DynamoDB: the consensus prices of a bucket, one item per cycle.

The shards of a bucket write the same item. Each sets attributes of its own, named for its symbols (`p_<hash>`, and the
time of its newest quote as `t_<hash>`), so that their writes commute; of a shard handled twice the newer quotes stay.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, islice
from typing import Any
from zlib import compress, decompress

from pynamodb.attributes import TTLAttribute

from signalbox.adapters.clocks import WallClock
from signalbox.adapters.storage.attributes import WholeAttribute, compact_json
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table, call
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame
from signalbox.domain.market.standstill import Sighting
from signalbox.ports.work import Clock
from signalbox.settings import settings

_FOREVER = 10**15
"""Epoch ms that no cycle reaches."""


class PriceFrameItem(Table):
    """The prices of one bucket in one cycle; each shard's are a binary attribute `p_<hash of its symbols>`."""

    class Meta:
        table_name = ""

    setting = "PRICE_FRAMES_TABLE"
    bucket = WholeAttribute(hash_key=True)
    minute = WholeAttribute(range_key=True)  # as_of of the cycle, epoch ms
    ttl = TTLAttribute()


class DynamoPriceFrameStore:
    """Implements `ports.PriceFrameStore`.

    Parameters
    ----------
    clock : Clock, optional
        What frames expire by: the wall clock, also in stepped runs.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()

    def save(self, frame: PriceFrame) -> bool:
        """Store a frame, merged with what other shards of its bucket and cycle stored.

        Returns False, changing nothing, if newer quotes of the same shard and cycle are stored: no prices are older
        than any.
        """
        expires = int((self._clock.now() + timedelta(days=settings().prices_kept_days)).timestamp())
        part = _part_name(frame.asked or frame.prices)
        update = {
            "TableName": PriceFrameItem.name(),
            "Key": {"bucket": {"N": str(frame.bucket)}, "minute": {"N": str(to_ms(frame.as_of))}},
            "UpdateExpression": f"SET p_{part} = :part, t_{part} = :newest, #ttl = :ttl",
            "ConditionExpression": f"attribute_not_exists(t_{part}) OR t_{part} <= :newest",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {
                ":part": {"B": _encode(frame)},
                ":newest": {"N": str(frame.newest)},
                ":ttl": {"N": str(expires)},
            },
        }
        try:
            call("UpdateItem", update)
        except ConditionFailedError:
            return False
        return True

    def latest(self, bucket: int) -> PriceFrame | None:
        """Return the newest frame of a bucket, or None."""
        return next(iter(self._newest(bucket, _FOREVER, 1)), None)

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        """Return the newest `count` frames of cycles before `moment`, newest first."""
        return self._newest(bucket, to_ms(moment) - 1, count)

    def after(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        """Return the first `count` frames of cycles after `moment`, oldest first."""
        pages = PriceFrameItem.query_raw(
            "#bucket = :bucket AND #minute > :moment",
            {":bucket": {"N": str(bucket)}, ":moment": {"N": str(to_ms(moment))}},
            Limit=count,
            ConsistentRead=True,
        )
        return [_frame(bucket, item) for item in islice(chain.from_iterable(pages), count)]

    def _newest(self, bucket: int, last: int, count: int) -> list[PriceFrame]:
        pages = PriceFrameItem.query_raw(
            "#bucket = :bucket AND #minute <= :last",
            {":bucket": {"N": str(bucket)}, ":last": {"N": str(last)}},
            Limit=count,
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        return [_frame(bucket, item) for item in islice(chain.from_iterable(pages), count)]


def _frame(bucket: int, item: RawItem) -> PriceFrame:
    """Return the frame that an item's parts make. Of a symbol that two shards priced, the newer price counts."""
    prices: dict[str, ConsensusPrice] = {}
    silent: dict[str, str] = {}
    settled: dict[str, int] = {}
    refused: dict[str, Mapping[str, str]] = {}
    for name in sorted(item):
        if name.startswith("p_"):
            part = json.loads(decompress(item[name]["B"]))
            silent |= part["silent"]
            settled |= part["settled"]
            refused |= part.get("refused", {})
            for price in map(_price, part["prices"]):
                if price.symbol not in prices or price.time > prices[price.symbol].time:
                    prices[price.symbol] = price
    refused = {symbol: why for symbol, why in refused.items() if symbol not in prices}
    return PriceFrame(bucket, from_ms(int(item["minute"]["N"])), prices, silent, settled=settled, refused=refused)


def _part_name(symbols: Iterable[str]) -> str:
    return sha256("\n".join(sorted(symbols)).encode()).hexdigest()[:12]


def _encode(frame: PriceFrame) -> bytes:
    prices = [asdict(price) for price in frame.prices.values()]
    refused = {symbol: dict(why) for symbol, why in frame.refused.items()}
    part = {"prices": prices, "silent": dict(frame.silent), "settled": dict(frame.settled), "refused": refused}
    return compress(compact_json(part).encode())


def _price(stored: dict[str, Any]) -> ConsensusPrice:
    seen = {exchange: Sighting(*each) for exchange, each in stored["seen"].items()}
    return ConsensusPrice(**stored | {"used": tuple(stored["used"]), "seen": seen})
