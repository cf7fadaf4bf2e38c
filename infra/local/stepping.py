"""Time in steps: the runner does what the Scheduler does at 1x, one due time after the other, as fast as work allows.

At each due time it sets the market's clock, calls the due schedules' own targets with the Scheduler's own payload, at
the same time as the Scheduler would, and goes on when nothing is left to do: all calls answered, all queues empty,
nothing in flight, every stream record handled. What a sender holds back for later is not waited for (`backlog`).
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.local.backlog import Backlog, Look
from infra.local.deploy import Deployment
from infra.local.errors import RunFailedError, StationFailedError
from infra.local.journal import Failure, Journal, explain
from infra.local.ministack import LocalCloud
from infra.local.schedules import Schedule, read_schedules

LOOK_SECONDS = 0.1
"""After how long to look again although nobody reported to have done anything."""


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
            if called:
                self._call_together(called, as_of)
                self.settle()

    def call(self, schedule: Schedule, as_of: datetime) -> None:
        """Call a schedule's target as the Scheduler would for `as_of`, and wait for its end."""
        payload = json.dumps(schedule.body(as_of)).encode()
        reply = self._lambda.invoke(FunctionName=schedule.target, Payload=payload)
        if reply.get("FunctionError"):
            told = json.loads(reply["Payload"].read())
            raise StationFailedError(str(explain(schedule.target, str(told.get("errorMessage", told)))))

    def _call_together(self, schedules: Sequence[Schedule], as_of: datetime) -> None:
        pool = ThreadPoolExecutor(len(schedules))
        try:
            calls = [pool.submit(self.call, schedule, as_of) for schedule in schedules]
            for call in calls:
                call.result()
        finally:
            # After a failure or Ctrl-C nobody waits for the other calls: they end with the local cloud.
            pool.shutdown(wait=False, cancel_futures=True)

    def settle(self) -> None:
        """Return when nothing is left to do: when two looks in a row found nothing, and nothing new between them."""
        deadline = time.monotonic() + self.pace.patience
        before: Look | None = None
        while True:
            found = self.backlog.look()
            self._heed_failures()
            if found.left:
                self._check_alive(found.left, deadline)
                self.journal.wait(LOOK_SECONDS)
            elif found == before:
                return
            before = found

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
