"""The cache in DynamoDB: answers with their leases, the counters of data versions, and the record of what is asked.

One table, since a cache is one thing to throw away: emptied, it fills itself again and nothing is wrong meanwhile. Only
answers age; a counter that went back to its beginning beside older answers would bring these back to life.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberSetAttribute, TTLAttribute, UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, FloatAttribute, WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table, call
from signalbox.domain.caching.freshness import Stamp
from signalbox.domain.caching.popularity import Popularity
from signalbox.domain.caching.versions import Version, forgotten
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.ports.caching import KeptAnswer

KEPT = timedelta(days=30)
"""How long an answer lies here after it was read, whether anybody asks for it or not."""
LARGEST = 300_000
"""Bytes of an answer that are kept; DynamoDB's limit of an item is 400 KB."""
_ASKED = "asked"


class CacheItem(Table):
    """`answer <key>`, `version <name>` or `asked`: each kind has attributes of its own. Moments are epoch ms."""

    class Meta:
        table_name = ""

    setting = "CACHE_TABLE"
    entry = UnicodeAttribute(hash_key=True)
    token = UnicodeAttribute(null=True)
    read_at = WholeAttribute(null=True)
    good_until = WholeAttribute(null=True)
    units = FloatAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False, null=True)  # the answer, deflated
    leased_until = WholeAttribute(null=True)
    number = WholeAttribute(null=True)  # how often a version moved, or the record was written
    moved_at = WholeAttribute(null=True)
    publications = NumberSetAttribute(null=True)
    record = CompactJSONAttribute(null=True)
    ttl = TTLAttribute(null=True)


class DynamoVersions:
    """Implements `ports.VersionRepository`."""

    def move(self, moves: Mapping[str, frozenset[datetime]], now: datetime) -> None:
        """Move every counter named: one write each, and another where old publications are to be forgotten."""
        for name, publications in sorted(moves.items()):
            added = sorted(str(to_ms(moment)) for moment in publications)
            values: dict[str, Any] = {":one": {"N": "1"}, ":now": {"N": str(to_ms(now))}}
            values |= {":added": {"NS": added}} if added else {}
            reply = _update(
                f"version {name}",
                "SET #moved_at = :now ADD #number :one" + (", #publications :added" if added else ""),
                values,
                ReturnValues="ALL_NEW",
            )
            old = forgotten(_version(reply["Attributes"]).publications)
            if old:
                gone = sorted(str(to_ms(moment)) for moment in old)
                _update(f"version {name}", "DELETE #publications :gone", {":gone": {"NS": gone}})

    def current(self, names: Sequence[str]) -> Mapping[str, Version]:
        """Return the counters: one call. They move tenths of a second after the write anyway, by stream and queue; a
        consistent read would cost twice as much and win hundredths."""
        keys = [{"entry": {"S": f"version {name}"}} for name in names]
        table = CacheItem.name()
        reply = call("BatchGetItem", {"RequestItems": {table: {"Keys": keys}}})
        if reply.get("UnprocessedKeys"):
            raise StorageUnavailableError(f"BatchGetItem on {table} left some of {len(keys)} versions unread")
        found = {raw["entry"]["S"].partition(" ")[2]: _version(raw) for raw in reply["Responses"][table]}
        return {name: found.get(name, Version()) for name in names}


class DynamoAnswers:
    """Implements `ports.AnswerStore`."""

    def get(self, key: str) -> KeptAnswer | None:
        """Return the answer kept under `key`, however old. Read eventually: an older one is known by its token."""
        raw = CacheItem.fetch_many_raw([{"entry": f"answer {key}"}])
        if not raw or "body" not in raw[0]:
            return None
        found = CacheItem.values(raw[0])
        good_until = found["good_until"]
        stamp = Stamp(
            token=found["token"],
            read_at=from_ms(found["read_at"]),
            good_until=None if good_until is None else from_ms(good_until),
            units=found["units"],
        )
        return KeptAnswer(stamp, zlib.decompress(found["body"]).decode(), len(found["body"]))

    def put(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer, unless one is kept that was read later, or it is too large."""
        body = zlib.compress(answer.text.encode())
        if len(body) > LARGEST:
            self.release(key)
            return
        stamp = answer.stamp
        item = CacheItem(
            f"answer {key}",
            token=stamp.token,
            read_at=to_ms(stamp.read_at),
            good_until=None if stamp.good_until is None else to_ms(stamp.good_until),
            units=stamp.units,
            body=body,
            ttl=stamp.read_at + KEPT,
        )
        try:
            item.save(CacheItem.read_at.does_not_exist() | (CacheItem.read_at <= to_ms(stamp.read_at)))
        except ConditionFailedError:
            return

    def claim(self, key: str, now: datetime, until: datetime) -> bool:
        """Take the lease of `key`; return False if somebody has it."""
        values = {
            ":now": {"N": str(to_ms(now))},
            ":until": {"N": str(to_ms(until))},
            ":ttl": {"N": str(int((until + KEPT).timestamp()))},
        }
        try:
            _update(
                f"answer {key}",
                "SET #leased_until = :until, #ttl = :ttl",
                values,
                ConditionExpression="attribute_not_exists(#leased_until) OR #leased_until <= :now",
            )
        except ConditionFailedError:
            return False
        return True

    def release(self, key: str) -> None:
        """Give the lease back without an answer."""
        _update(f"answer {key}", "REMOVE #leased_until", {})


class DynamoAsked:
    """Implements `ports.AskedRepository`: one item, changed only as it was read."""

    def hear(self, requests: Iterable[tuple[str, int, Mapping[str, Any]]], now: datetime) -> None:
        """Add requests; those that meet another worker's are lost, which a record of what is popular can bear."""
        stored = CacheItem.fetch(entry=_ASKED)
        known = Popularity(now) if stored is None else _popularity(stored["record"])
        count = 0 if stored is None else stored["number"]
        item = CacheItem(_ASKED, number=count + 1, record=_deflated(known.heard(requests, now)))
        try:
            item.save(CacheItem.entry.does_not_exist() if stored is None else CacheItem.number == count)
        except ConditionFailedError:
            return

    def top(self, most: int) -> list[Mapping[str, Any]]:
        """Return the `most` questions that were asked most."""
        stored = CacheItem.fetch(entry=_ASKED)
        return [] if stored is None else _popularity(stored["record"]).top(most)


def _deflated(popularity: Popularity) -> str:
    return b64encode(zlib.compress(json.dumps(popularity.to_record()).encode())).decode()


def _popularity(record: str) -> Popularity:
    return Popularity.from_record(json.loads(zlib.decompress(b64decode(record))))


def _version(raw: RawItem) -> Version:
    moments = raw.get("publications", {}).get("NS", [])
    moved = raw.get("moved_at")
    return Version(
        count=int(raw["number"]["N"]) if "number" in raw else 0,
        moved_at=None if moved is None else from_ms(int(moved["N"])),
        publications=frozenset(from_ms(int(moment)) for moment in moments),
    )


def _update(entry: str, expression: str, values: dict[str, Any], **options: str) -> dict[str, Any]:
    text = expression + options.get("ConditionExpression", "")
    words = {word for word in CacheItem.get_attributes() if f"#{word}" in text}
    return call(
        "UpdateItem",
        {
            "TableName": CacheItem.name(),
            "Key": {"entry": {"S": entry}},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {f"#{word}": word for word in words},
            **({"ExpressionAttributeValues": values} if values else {}),
            **options,
        },
    )
