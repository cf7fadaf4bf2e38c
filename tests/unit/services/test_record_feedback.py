from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.delivery.delivery import DeliveryState
from signalbox.domain.delivery.feedback import Feedback, Verdict, read_feedback
from signalbox.domain.errors import InvalidValueError, TransientError
from signalbox.domain.instants import to_iso
from signalbox.services.record_feedback import FeedbackReport, record_feedback
from tests.builders import NOW, make_delivery, make_subscription
from tests.fakes.delivery import InMemoryAccounts, InMemoryDeliveries, InMemorySubscriptions
from tests.fakes.topics import RecordingBatchSender

MAIL = {"messageId": "mail-1", "timestamp": to_iso(NOW), "destination": ["ada@example.com"]}
ADA = [{"emailAddress": "Ada@example.com"}]
EVENTS: dict[Verdict, dict[str, Any]] = {
    Verdict.DELIVERED: {"Delivery": {"delivery": {"recipients": ["ada@example.com"]}}},
    Verdict.BOUNCE: {"Bounce": {"bounce": {"bounceType": "Permanent", "bouncedRecipients": ADA}}},
    Verdict.SOFT_BOUNCE: {"Bounce": {"bounce": {"bounceType": "Transient", "bouncedRecipients": ADA}}},
    Verdict.COMPLAINT: {"Complaint": {"complaint": {"complainedRecipients": ADA}}},
    Verdict.REJECTED: {"Reject": {"reject": {"reason": "Bad content"}}},
}


def event_of(verdict: Verdict, word: str = "eventType") -> dict[str, Any]:
    ((kind, said),) = EVENTS[verdict].items()
    return {word: kind, "mail": MAIL, **said}


def read(verdict: Verdict) -> Feedback:
    feedback = read_feedback(event_of(verdict))
    assert feedback is not None
    return feedback


class House:
    """A delivery that SES took as `mail-1`, its subscriber, and what the account's own address is."""

    def __init__(self, own: str = "ada@example.org") -> None:
        self.accounts = InMemoryAccounts()
        self.accounts.put_account(Account("acc-1", Tier.PRO, own))
        self.deliveries = InMemoryDeliveries()
        other = make_subscription(subscription_id="sub-2", email="other@example.com")
        self.subscriptions = InMemorySubscriptions(make_subscription(), other)
        self.told = RecordingBatchSender()
        delivery = make_delivery()
        self.deliveries.add(replace(delivery, state=DeliveryState.ACCEPTED, service_id="mail-1"))

    def record(self, verdict: Verdict) -> FeedbackReport:
        return record_feedback(
            read(verdict),
            deliveries=self.deliveries,
            accounts=self.accounts,
            subscriptions=self.subscriptions,
            told_by=self.told,
            wall_now=NOW,
        )

    @property
    def state(self) -> DeliveryState:
        (delivery,) = self.deliveries.stored.values()
        return delivery.state

    @property
    def confirmed(self) -> list[bool]:
        return [each.confirmed for each in self.subscriptions.of_account("acc-1")]


@pytest.mark.parametrize("word", ["eventType", "notificationType"])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_both_shapes_of_ses_are_read(verdict: Verdict, word: str) -> None:
    feedback = read_feedback(event_of(verdict, word))
    assert feedback is not None
    assert (feedback.verdict, feedback.service_id, feedback.sent_at) == (verdict, "mail-1", NOW)
    assert feedback.recipients == ("ada@example.com",)


@pytest.mark.parametrize(
    ("bounce", "reason"),
    [
        ({"bounceSubType": "General", "diagnosticCode": "smtp; 550 5.1.1 <ada@example.com>: user unknown"}, "5.1.1"),
        (
            {"bounceSubType": "General", "diagnosticCode": "smtp; 550 Ada at 192.5.1.1 left", "status": "5.1.10"},
            "5.1.10",
        ),
        ({"bounceSubType": "General", "diagnosticCode": "ada@example.com unknown at 4.2.2.1"}, ""),
    ],
)
def test_what_a_mail_server_says_is_not_kept_but_its_code(bounce: dict[str, Any], reason: str) -> None:
    said = {"emailAddress": "ada@example.com"} | {name: bounce[name] for name in bounce if name != "bounceSubType"}
    event = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [said]}
    feedback = read_feedback({"eventType": "Bounce", "mail": MAIL, "bounce": event})
    assert feedback is not None
    assert feedback.reason == f"bounce General {reason}".strip()


def test_what_changes_nothing_is_left_alone_and_what_is_no_event_is_refused() -> None:
    assert read_feedback({"eventType": "Open", "mail": MAIL}) is None
    for wrong in ({}, {"eventType": "Bounce"}, {"mail": MAIL}, {"eventType": "Bounce", "mail": MAIL, "bounce": {}}):
        with pytest.raises(InvalidValueError, match="must"):
            read_feedback(wrong)


def test_a_mail_that_arrived_is_delivered_however_often_that_is_told() -> None:
    house = House()
    for _ in range(3):
        assert house.record(Verdict.DELIVERED) == FeedbackReport(delivered=1)
    assert house.state is DeliveryState.DELIVERED
    assert house.confirmed == [True, True]


def test_a_hard_bounce_ends_mail_to_that_address_and_is_told_once_by_another_channel() -> None:
    house = House()
    reports = [house.record(Verdict.BOUNCE) for _ in range(3)]
    assert [report.switched_off for report in reports] == [1, 0, 0]
    assert house.state is DeliveryState.FAILED
    assert house.confirmed == [False, True]
    (notice,) = house.told.sent
    assert notice.recipient == "deliveries:acc-1"
    assert notice.message.facts["kind"] == "channel_off"


@pytest.mark.parametrize("verdict", [Verdict.BOUNCE, Verdict.COMPLAINT])
def test_the_accounts_own_address_is_switched_off_once_though_no_subscription_has_it(verdict: Verdict) -> None:
    house = House(own="ada@example.com")
    house.subscriptions.stored.clear()
    assert [house.record(verdict).switched_off for _ in range(2)] == [1, 0]
    assert house.accounts.accounts["acc-1"].mail_address is None
    assert len(house.told.sent) == 1


@pytest.mark.parametrize("verdict", [Verdict.SOFT_BOUNCE, Verdict.DELIVERED])
def test_the_accounts_own_address_stays_where_mail_may_arrive_yet(verdict: Verdict) -> None:
    house = House(own="ada@example.com")
    house.record(verdict)
    assert house.accounts.accounts["acc-1"].mail_address == "ada@example.com"


def test_a_complaint_ends_mail_though_the_mail_arrived_and_in_whichever_order_both_are_told() -> None:
    for order in ((Verdict.DELIVERED, Verdict.COMPLAINT), (Verdict.COMPLAINT, Verdict.DELIVERED)):
        house = House()
        for verdict in order:
            house.record(verdict)
        assert house.state is DeliveryState.DELIVERED
        assert house.confirmed == [False, True]


def test_a_soft_bounce_fails_the_delivery_and_keeps_the_address() -> None:
    house = House()
    house.record(Verdict.SOFT_BOUNCE)
    assert house.state is DeliveryState.FAILED
    assert house.confirmed == [True, True]


def test_feedback_that_overtakes_the_record_comes_back_and_later_is_of_no_delivery() -> None:
    house = House()
    house.deliveries.stored.clear()
    with pytest.raises(TransientError, match="mail-1"):
        house.record(Verdict.DELIVERED)
    late = replace(read(Verdict.DELIVERED), sent_at=NOW - timedelta(minutes=3))
    report = record_feedback(
        late,
        deliveries=house.deliveries,
        accounts=house.accounts,
        subscriptions=house.subscriptions,
        told_by=house.told,
        wall_now=NOW,
    )
    assert report == FeedbackReport(unknown=1)
