"""What is left to do in the local cloud: messages that functions have to read, stream records they have to handle.

A message that its sender holds back (`DelaySeconds`: a tier's later look, a back-off, warming) is for later by its
sender's own wish, and the hold runs by the wall clock. So it is not left to do: it is `held`, and counts as soon as
its time has come, in whatever step that is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.deploy import Deployment
from infra.local.errors import RunFailedError
from infra.local.journal import Journal
from infra.local.ministack import LocalCloud
from infra.local.names import plain_name


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: `left` to do, in words, empty for nothing; `written` stream records since the start."""

    left: str
    written: int


@dataclass(slots=True)
class _Stream:
    """How many records of `kinds` (`INSERT`, ...) a table's stream has had since the cloud started."""

    table: str
    iterator: str
    kinds: frozenset[str]
    written: int = 0


class Backlog:
    """Looks at the queues that functions read and the streams they read."""

    def __init__(self, cloud: LocalCloud, deployment: Deployment, journal: Journal) -> None:
        self._cloud = cloud
        self._streams_client = cloud.client("dynamodbstreams")
        self._journal = journal
        readers = cloud.client("lambda").get_paginator("list_event_source_mappings").paginate()
        sources = [mapping for page in readers for mapping in page["EventSourceMappings"]]
        read = {mapping["EventSourceArn"].split(":")[-1] for mapping in sources}
        queues = [url.split("/")[-1] for url in deployment.of_type("AWS::SQS::Queue").values()]
        self.work_queues = [queue for queue in queues if queue in read]
        self.dead_letter_queues = [queue for queue in queues if queue not in read]
        self._streams = [self._open(mapping) for mapping in sources if "/stream/" in mapping["EventSourceArn"]]

    def look(self) -> Look:
        """Look at the queues first, then at the streams.

        Two looks in a row that find nothing left and equally many records written mean that nothing is at work: what
        the first saw of the streams was handled, into queues that the second found empty again, and whoever emptied
        them wrote nothing. One look alone may fall between a stream's reader and the queue it is about to fill.
        """
        messages = self._cloud.messages()
        for queue in self.work_queues:
            waiting = sum(not _is_held(message) for message in messages.get(queue, ()))
            if waiting:
                return self._found(f"{waiting} messages in {plain_name(queue)}")
        for stream in self._streams:
            behind = self._behind(stream)
            if behind:
                return self._found(f"{behind} records in the stream of {plain_name(stream.table)}")
        return self._found("")

    def held(self) -> dict[str, int]:
        """Return the number of messages that are held back, by queue, of those that have any."""
        messages = self._cloud.messages()
        counts = {queue: sum(map(_is_held, messages.get(queue, ()))) for queue in self.work_queues}
        return {plain_name(queue): count for queue, count in counts.items() if count}

    def dead_letters(self) -> dict[str, int]:
        """Return the number of messages in each dead-letter queue that has any."""
        messages = self._cloud.messages()
        counts = {plain_name(queue): len(messages.get(queue, ())) for queue in self.dead_letter_queues}
        return {name: count for name, count in counts.items() if count}

    def _found(self, left: str) -> Look:
        return Look(left, sum(stream.written for stream in self._streams))

    def _open(self, mapping: dict[str, Any]) -> _Stream:
        arn = mapping["EventSourceArn"]
        described = self._streams_client.describe_stream(StreamArn=arn)["StreamDescription"]
        iterator = self._streams_client.get_shard_iterator(
            StreamArn=arn, ShardId=described["Shards"][0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return _Stream(arn.split("/")[1], iterator, _kinds_of(mapping))

    def _behind(self, stream: _Stream) -> int:
        reply = self._streams_client.get_records(ShardIterator=stream.iterator, Limit=1000)
        stream.iterator = reply["NextShardIterator"]
        stream.written += sum(record["eventName"] in stream.kinds for record in reply["Records"])
        self._journal.read()
        return max(stream.written - self._journal.stream_records[stream.table], 0)


def _is_held(message: Mapping[str, Any]) -> bool:
    """Whether its sender wants it later: not to be seen yet, and nobody has received it."""
    return not message["IsVisible"] and not message["ReceiveCount"]


def _kinds_of(mapping: Mapping[str, Any]) -> frozenset[str]:
    """Return the kinds of record that a consumer gets: those its filters name, or all."""
    patterns = [json.loads(f["Pattern"]) for f in mapping.get("FilterCriteria", {}).get("Filters", [])]
    if any(set(pattern) != {"eventName"} for pattern in patterns):
        raise RunFailedError(f"a stepped run knows stream filters on eventName alone, found {patterns}")
    named = frozenset(kind for pattern in patterns for kind in pattern["eventName"])
    return named or frozenset({"INSERT", "MODIFY", "REMOVE"})
