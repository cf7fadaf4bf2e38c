"""Time in steps: the runner does what the Scheduler does at 1x, one due time after the other, as fast as work allows.

At each due time it sets the market's clock, calls each due schedule's own target with the Scheduler's own payload,
and goes on when nothing is left to do: all queues empty, nothing in flight, every stream record handled.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra.local.deploy import Deployment
from infra.local.errors import RunFailedError, StationFailedError
from infra.local.journal import Failure, Journal, explain
from infra.local.ministack import LocalCloud
from infra.local.names import plain_name
from infra.local.schedules import Schedule, read_schedules

POLL_SECONDS = 0.02

# Delayed messages are for later by their sender's own wish (back-off, warming), and delays run by the wall clock.
_WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@dataclass(slots=True)
class _Stream:
    """How many records of `kinds` (`INSERT`, ...) a table's stream has had since the cloud started."""

    table: str
    iterator: str
    kinds: frozenset[str]
    written: int = 0


class Backlog:
    """What is left to do: messages in the queues that functions read, records in the streams they read."""

    def __init__(self, cloud: LocalCloud, deployment: Deployment, journal: Journal) -> None:
        self._sqs = cloud.client("sqs")
        self._streams_client = cloud.client("dynamodbstreams")
        self._journal = journal
        readers = cloud.client("lambda").get_paginator("list_event_source_mappings").paginate()
        sources = [mapping for page in readers for mapping in page["EventSourceMappings"]]
        read = {mapping["EventSourceArn"].split(":")[-1] for mapping in sources}
        queues = deployment.of_type("AWS::SQS::Queue").values()
        self.work_queues = [url for url in queues if url.split("/")[-1] in read]
        self.dead_letter_queues = [url for url in queues if url.split("/")[-1] not in read]
        self._streams = [self._open(mapping) for mapping in sources if "/stream/" in mapping["EventSourceArn"]]

    def left(self) -> str:
        """Return what is left to do, in words; empty when there is nothing."""
        for url in self.work_queues:
            waiting = self._waiting(url)
            if waiting:
                return f"{waiting} messages in {plain_name(url)}"
        for stream in self._streams:
            behind = self._behind(stream)
            if behind:
                return f"{behind} records in the stream of {plain_name(stream.table)}"
        return ""

    def dead_letters(self) -> dict[str, int]:
        """Return the number of messages in each dead-letter queue that has any."""
        counts = {plain_name(url): self._waiting(url) for url in self.dead_letter_queues}
        return {name: count for name, count in counts.items() if count}

    def _waiting(self, url: str) -> int:
        reply = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_WAITING))
        return sum(int(count) for count in reply["Attributes"].values())

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


def _kinds_of(mapping: Mapping[str, Any]) -> frozenset[str]:
    """Return the kinds of record that a consumer gets: those its filters name, or all."""
    patterns = [json.loads(f["Pattern"]) for f in mapping.get("FilterCriteria", {}).get("Filters", [])]
    if any(set(pattern) != {"eventName"} for pattern in patterns):
        raise RunFailedError(f"a stepped run knows stream filters on eventName alone, found {patterns}")
    named = frozenset(kind for pattern in patterns for kind in pattern["eventName"])
    return named or frozenset({"INSERT", "MODIFY", "REMOVE"})


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stepper waits.

    `grace` is how long after its close a candle counts as closed. `tolerant` goes on after failures that trying again
    may mend (injected faults, real exchanges); otherwise the first failure ends the run, since a message that was
    given back returns only minutes later. `patience` (seconds) is how long work may go on without an end.
    """

    grace: timedelta = timedelta(seconds=10)
    tolerant: bool = False
    patience: float = 120.0


class Stepper:
    """Steps a deployed stack through time.

    Parameters
    ----------
    set_clock : callable
        Sets the market's clock.
    pace : Pace
        How it waits.
    """

    def __init__(
        self, cloud: LocalCloud, deployment: Deployment, set_clock: Callable[[datetime], None], pace: "Pace"
    ) -> None:
        self.journal = Journal(cloud.log)
        self.backlog = Backlog(cloud, deployment, self.journal)
        self.pace = pace
        self.failures: list[Failure] = []
        self._lambda = cloud.client("lambda")
        self._cloud = cloud
        self._seen = 0
        self._set_clock = set_clock
        names = list(deployment.of_type("AWS::Scheduler::Schedule").values())
        self.schedules = read_schedules(cloud.client("scheduler"), names)

    def step(self, as_of: datetime, after: datetime) -> None:
        """Live through the moment `as_of`: every schedule that is due in (after, as_of], to the end of its work.

        Raises StationFailedError naming the function that failed, or RunFailedError if the work does not end.
        """
        self._set_clock(as_of + self.pace.grace)
        due = [schedule for schedule in self.schedules if schedule.due(after, as_of)]
        for prices in (False, True):
            called = [schedule for schedule in due if schedule.prices is prices]
            for schedule in called:
                self.call(schedule, as_of)
            if called:
                self.settle()

    def call(self, schedule: Schedule, as_of: datetime) -> None:
        """Call a schedule's target as the Scheduler would for `as_of`, and wait for its end."""
        payload = json.dumps(schedule.body(as_of)).encode()
        reply = self._lambda.invoke(FunctionName=schedule.target, Payload=payload)
        if reply.get("FunctionError"):
            told = json.loads(reply["Payload"].read())
            raise StationFailedError(str(explain(schedule.target, str(told.get("errorMessage", told)))))

    def settle(self) -> None:
        """Return when nothing is left to do."""
        deadline = time.monotonic() + self.pace.patience
        quiet = 0
        while quiet < 2:
            left = self.backlog.left()
            self._heed_failures()
            quiet = 0 if left else quiet + 1
            if left:
                self._check_alive(left, deadline)
                time.sleep(POLL_SECONDS)

    def _heed_failures(self) -> None:
        self.journal.read()
        new = self.journal.failures[self._seen :]
        self._seen += len(new)
        self.failures += new
        for failure in new:
            if failure.hopeless or not self.pace.tolerant:
                raise StationFailedError(str(failure))

    def _check_alive(self, left: str, deadline: float) -> None:
        if not self._cloud.running:
            raise RunFailedError("the local cloud ended by itself; its log says why")
        if time.monotonic() > deadline:
            last = f"; last failure: {self.failures[-1]}" if self.failures else ""
            raise RunFailedError(f"work did not end within {self.pace.patience:.0f} s: {left} are left{last}")
