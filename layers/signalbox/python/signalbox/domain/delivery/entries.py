"""Entries of topics on their way to those who follow: what was logged, and the prices of a cycle, as messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalbox.domain.delivery.facts import price_facts
from signalbox.domain.delivery.topics import price_number, price_topic
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.market.consensus import ConsensusPrice

ENTRY = "topic_entry"
PRICES_TOLD = "prices"


@dataclass(frozen=True, slots=True)
class TopicEntry:
    """One entry of a topic, as the log's stream tells it."""

    topic: str
    sequence: int
    record: Mapping[str, Any]

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of this entry's message."""
        return {"kind": ENTRY, "topic": self.topic, "sequence": self.sequence, "record": dict(self.record)}


@dataclass(frozen=True, slots=True)
class CyclePrices:
    """What a cycle made of a shard's symbols: `records` are what their topics say, by symbol (`price_facts`)."""

    bucket: int
    as_of: datetime
    records: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, bucket: int, as_of: datetime, prices: Mapping[str, ConsensusPrice]) -> "CyclePrices":
        """Return what is told of these consensus prices."""
        return cls(bucket, as_of, {symbol: price_facts(price, as_of) for symbol, price in prices.items()})

    @property
    def entries(self) -> dict[str, list[tuple[int, Mapping[str, Any]]]]:
        """The entry of each symbol's topic, under its number."""
        number = price_number(self.as_of)
        return {price_topic(symbol): [(number, record)] for symbol, record in self.records.items()}

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of this cycle's message."""
        records = {symbol: dict(record) for symbol, record in self.records.items()}
        return {"kind": PRICES_TOLD, "bucket": self.bucket, "as_of": to_iso(self.as_of), "records": records}


def read_entries(body: Mapping[str, Any]) -> TopicEntry | CyclePrices:
    """Return what a message has followers told; raise InvalidValueError if it is none of these."""
    try:
        if body["kind"] == PRICES_TOLD:
            return CyclePrices(int(body["bucket"]), from_iso(body["as_of"]), dict(body["records"]))
        if body["kind"] == ENTRY:
            return TopicEntry(str(body["topic"]), int(body["sequence"]), dict(body["record"]))
    except (KeyError, TypeError, ValueError) as e:
        raise InvalidValueError(f"message must hold entries of topics, was {str(body)[:200]}") from e
    raise InvalidValueError(f"message must be of kind {ENTRY} or {PRICES_TOLD}, was {body['kind']!r}"[:200])
