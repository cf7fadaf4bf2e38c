"""The cache in DynamoDB: answers with their leases, the counters of data versions, what is asked, what was saved.

One table, since a cache is one thing to throw away: emptied, it fills itself again and nothing is wrong meanwhile. Only
answers age; a counter that went back to its beginning beside older answers would bring these back to life.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, FloatAttribute, WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table, call
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.freshness import Stamp
from signalbox.domain.caching.popularity import Popularity
from signalbox.domain.caching.versions import Moves, Version, Waiting, forgotten
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.ports.caching import KeptAnswer, Reading

KEPT = timedelta(days=30)
"""How long an answer lies here after it was read, whether anybody asks for it or not."""
LARGEST = 300_000
"""Bytes of an answer that are kept; DynamoDB's limit of an item is 400 KB."""
DEFLATION = 1
"""zlib's level: a third of the time of the default for some bytes more."""
_ASKED = "asked"
_PUBLISHED, _HEARD = "published", "heard"
"""How the attributes begin that tell of a version's publications: `published<epoch ms>` counts what moved it,
`heard<epoch ms>` says when that was heard of. Two each, as a map's entries can be added to only where the map is there
already."""
_END_OF_TEXT = b"\0"
"""What stands between an answer and what is beside it; JSON has none."""


class CacheItem(Table):
    """`answer <key>`, `version <name>`, `figures <day>` or `asked`: each kind has attributes of its own.

    Moments are epoch ms.
    """

    class Meta:
        table_name = ""

    setting = "CACHE_TABLE"
    entry = UnicodeAttribute(hash_key=True)
    token = UnicodeAttribute(null=True)
    read_at = WholeAttribute(null=True)
    good_until = WholeAttribute(null=True)
    turns_at = WholeAttribute(null=True)
    units = FloatAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False, null=True)  # the answer and what is beside it, deflated
    leased_until = WholeAttribute(null=True)
    number = WholeAttribute(null=True)  # how often a version moved, or the record was written
    changed_at = WholeAttribute(null=True)  # when it last moved by what everybody may know of
    record = CompactJSONAttribute(null=True)
    ttl = TTLAttribute(null=True)


class DynamoVersions:
    """Implements `ports.VersionRepository`."""

    def move(self, moves: Mapping[str, Moves], now: datetime) -> None:
        """Move every counter named: one write each, and another where old publications are to be forgotten."""
        for name, each in sorted(moves.items()):
            added = _placed(_PUBLISHED, each.publications)
            heard = [*_placed(_HEARD, each.publications), *([] if each.wait else ["#changed_at"])]
            values = {":times": {"N": str(each.times)}, ":now": {"N": str(to_ms(now))}}
            reply = _update(
                f"version {name}",
                f"SET {', '.join(f'{place} = :now' for place in heard)} "
                f"ADD #number :times{''.join(f', {place} :one' for place in added)}",
                values | ({":one": {"N": "1"}} if added else {}),
                names=added | _placed(_HEARD, each.publications),
                ReturnValues="ALL_NEW",
            )
            old = forgotten(_version(reply["Attributes"]).publications, now)
            if old:
                gone = _placed(_PUBLISHED, old) | _placed(_HEARD, old)
                _update(f"version {name}", "REMOVE " + ", ".join(gone), {}, names=gone)


class DynamoCacheReader:
    """Implements `ports.CacheReader`, reading eventually. Counters move tenths of a second after the write anyway, by
    stream and queue; a consistent read would cost twice as much and win hundredths."""

    def current(self, names: Sequence[str]) -> Mapping[str, Version]:
        """Return the counters: one call."""
        return _versions(names, _entries([f"version {name}" for name in names]))

    def look(self, names: Sequence[str], key: str) -> tuple[Mapping[str, Version], KeptAnswer | None]:
        """Return the counters, and what is kept under `key`: one call. An answer of another version is known by its
        token."""
        found = _entries([*(f"version {name}" for name in names), f"answer {key}"])
        return _versions(names, found), _kept(found.get(f"answer {key}"))


class DynamoAnswers:
    """Implements `ports.AnswerStore`."""

    def get(self, key: str) -> KeptAnswer | None:
        """Return the answer kept under `key`, however old. Read eventually: an older one is known by its token."""
        return _kept(_entries([f"answer {key}"]).get(f"answer {key}"))

    def put(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer, unless one is kept that was read later, or it is too large."""
        reading = answer.reading
        body = zlib.compress(reading.text.encode() + _END_OF_TEXT + reading.beside.encode(), DEFLATION)
        if len(body) > LARGEST:
            self.release(key)
            return
        stamp = answer.stamp
        item = CacheItem(
            f"answer {key}",
            token=stamp.token,
            read_at=to_ms(stamp.read_at),
            good_until=None if stamp.good_until is None else to_ms(stamp.good_until),
            turns_at=None if stamp.turns_at is None else to_ms(stamp.turns_at),
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


class DynamoCacheFigures:
    """Implements `ports.CacheFiguresRepository`: one item a day, which workers add to."""

    def add(self, grown: Mapping[str, float], now: datetime) -> None:
        """Add what grew to the day's sums: one write."""
        if not grown:
            return
        names = {f"#f{at}": name for at, name in enumerate(grown)}
        values = {f":f{at}": {"N": repr(value)} for at, value in enumerate(grown.values())}
        _update(
            _figures(now),
            "SET #ttl = :ttl ADD " + ", ".join(f"#f{at} :f{at}" for at in range(len(grown))),
            values | {":ttl": {"N": str(int((now + KEPT).timestamp()))}},
            names=names,
        )

    def of_day(self, now: datetime) -> CacheFigures:
        """Return the day's sums."""
        raw = _entries([_figures(now)]).get(_figures(now), {})
        known: dict[str, Any] = {
            name: type(none)(float(raw[name]["N"])) for name, none in CacheFigures().counted().items() if name in raw
        }
        return CacheFigures(**known)


def _figures(now: datetime) -> str:
    return f"figures {now:%Y-%m-%d}"


def _deflated(popularity: Popularity) -> str:
    return b64encode(zlib.compress(json.dumps(popularity.to_record()).encode())).decode()


def _popularity(record: str) -> Popularity:
    return Popularity.from_record(json.loads(zlib.decompress(b64decode(record))))


def _entries(keys: Sequence[str]) -> dict[str, RawItem]:
    """Return those of the entries that there are: one call."""
    table = CacheItem.name()
    reply = call("BatchGetItem", {"RequestItems": {table: {"Keys": [{"entry": {"S": key}} for key in keys]}}})
    if reply.get("UnprocessedKeys"):
        raise StorageUnavailableError(f"BatchGetItem on {table} left some of {len(keys)} entries unread")
    return {raw["entry"]["S"]: raw for raw in reply["Responses"][table]}


def _kept(raw: RawItem | None) -> KeptAnswer | None:
    """Return the answer of an entry; an entry may be but a lease."""
    if raw is None or "body" not in raw:
        return None
    found = CacheItem.values(raw)
    good_until, turns_at = (None if at is None else from_ms(at) for at in (found["good_until"], found["turns_at"]))
    stamp = Stamp(
        token=found["token"],
        read_at=from_ms(found["read_at"]),
        good_until=good_until,
        units=found["units"],
        turns_at=turns_at,
    )
    text, _, beside = zlib.decompress(found["body"]).partition(_END_OF_TEXT)
    return KeptAnswer(stamp, Reading(text.decode(), beside.decode(), turns_at), len(found["body"]))


def _versions(names: Sequence[str], found: Mapping[str, RawItem]) -> dict[str, Version]:
    raws = {name: found.get(f"version {name}") for name in names}
    return {name: Version() if raw is None else _version(raw) for name, raw in raws.items()}


def _version(raw: RawItem) -> Version:
    moments = [name.removeprefix(_PUBLISHED) for name in raw if name.startswith(_PUBLISHED)]
    return Version(
        count=_whole(raw["number"]) if "number" in raw else 0,
        publications={
            from_ms(int(at)): Waiting(_whole(raw[_PUBLISHED + at]), from_ms(_whole(raw[_HEARD + at]))) for at in moments
        },
        changed_at=from_ms(_whole(raw["changed_at"])) if "changed_at" in raw else None,
    )


def _whole(value: Mapping[str, Any]) -> int:
    return int(value["N"])


def _placed(beginning: str, moments: Iterable[datetime]) -> dict[str, str]:
    """Return the attributes of moments, by the placeholders that stand for them in an expression."""
    return {f"#{beginning}{at}": f"{beginning}{to_ms(moment)}" for at, moment in enumerate(sorted(moments))}


def _update(
    entry: str, expression: str, values: dict[str, Any], names: Mapping[str, str] | None = None, **options: str
) -> dict[str, Any]:
    text = expression + options.get("ConditionExpression", "")
    words = {word for word in CacheItem.get_attributes() if f"#{word}" in text}
    return call(
        "UpdateItem",
        {
            "TableName": CacheItem.name(),
            "Key": {"entry": {"S": entry}},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {f"#{word}": word for word in words} | dict(names or {}),
            **({"ExpressionAttributeValues": values} if values else {}),
            **options,
        },
    )
