"""A worker that dies between a send and its record, on the real handlers: the mail comes twice at most."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.adapters.clocks import WallClock
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, Channel, Delivery, DeliveryState
from signalbox.domain.delivery.message import Envelope, Outcome
from signalbox.ports.topics import BatchSender
from tests.builders import make_event, make_signal, make_subscription
from tests.functional.functions.conftest import Handler, load_event, messages

Invoke = Callable[[str, Any], None]


class WorkerDiedError(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@dataclass
class DyingSender:
    """Sends for real, and then dies as often as it is told to."""

    inner: BatchSender
    deaths: int
    asked: list[str] = field(default_factory=list)

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        outcomes = self.inner.send_all(envelopes)
        self.asked += [envelope.delivery_id for envelope in envelopes]
        if self.deaths:
            self.deaths -= 1
            raise WorkerDiedError
        return outcomes


@dataclass
class MovingClock:
    """The wall clock, moved on by a test."""

    by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return WallClock().now() + self.by


@pytest.fixture
def clock(house: None, monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    moving = MovingClock()
    monkeypatch.setattr(bootstrap, "wall_clock", lambda: moving)
    return moving


@pytest.fixture
def invoke(handler: Handler, lambda_context: Any) -> Invoke:
    """Calls a function for one message of its queue."""

    def call(function: str, body: Any) -> None:
        event = load_event(function)
        event["Records"][0]["body"] = json.dumps(body)
        assert handler(function)(event, lambda_context) == {"batchItemFailures": []}

    return call


@pytest.fixture
def asked(invoke: Invoke, clock: MovingClock) -> dict[str, Any]:
    """The message that asks to mail a premium subscriber of a signal."""
    signal = make_signal(clock.now().replace(microsecond=0) - timedelta(minutes=1))
    bootstrap.signal_repository().add(signal)
    bootstrap.subscription_repository().put(make_subscription(tier=Tier.PREMIUM))
    invoke("route_deliveries", make_event(signal).to_message())
    mailed = {each.delivery_id for each in bootstrap.delivery_repository().of_signal(signal.signal_id) if is_mail(each)}
    (mail,) = [body for body in messages("DELIVER_PREMIUM") if set(body["delivery_ids"]) == mailed]
    return mail


def is_mail(delivery: Delivery) -> bool:
    return delivery.channel is Channel.EMAIL


@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.parametrize("outcome", [(1, 2, "ACCEPTED"), (2, 2, "FAILED"), (3, 2, "FAILED")])
def test_what_was_sent_and_not_recorded_is_sent_once_more_at_most_under_the_same_id(
    invoke: Invoke,
    clock: MovingClock,
    asked: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    outcome: tuple[int, int, str],
) -> None:
    deaths, sends, state = outcome
    senders = bootstrap.batch_senders()
    dying = DyingSender(senders[Channel.EMAIL], deaths)
    monkeypatch.setattr(bootstrap, "batch_senders", lambda: {**senders, Channel.EMAIL: dying})
    for _ in range(deaths + 2):
        try:
            invoke("deliver_signals", asked)
        except WorkerDiedError:
            # While the dead worker's lease runs, its message in another's hands sends nothing.
            invoke("deliver_signals", asked)
        clock.by += LEASE + timedelta(seconds=1)
    assert sorted(dying.asked) == sorted(asked["delivery_ids"] * sends)
    found = bootstrap.delivery_repository().of_signal(asked["signal_id"])
    assert {each.state for each in found if is_mail(each)} == {DeliveryState(state)}
    assert {each.interrupted for each in found if is_mail(each)} == {min(deaths, 2)}
