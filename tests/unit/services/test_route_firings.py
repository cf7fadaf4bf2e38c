"""From a firing in the topic log to the message of its delivery."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.alerts.alert import Alert
from signalbox.domain.alerts.firing import FiringEvent
from signalbox.domain.delivery.delivery import DeliveryState
from signalbox.domain.delivery.message import Message
from signalbox.domain.signals.events import EventKind
from signalbox.services.compose_message import compose
from signalbox.services.relay_events import relay_events
from signalbox.services.route_deliveries import RoutingReport
from signalbox.services.route_firings import route_firing
from tests.builders import NOW, make_key, make_signal
from tests.fakes.alerts import InMemoryAlerts, make_alert, make_firing
from tests.fakes.delivery import InMemoryAccounts, InMemoryDeliveries
from tests.fakes.signals import InMemorySignals
from tests.fakes.work import InMemoryQueue

ADA = Account("acc-1", Tier.PREMIUM, "ada@example.com")


class House:
    """An account with an alert that fired, and what tells it."""

    def __init__(self, account: Account | None = ADA) -> None:
        self.accounts = InMemoryAccounts()
        if account is not None:
            self.accounts.put(account, make_key())
        self.alerts = InMemoryAlerts()
        self.deliveries = InMemoryDeliveries()
        self.queues: Mapping[Tier, InMemoryQueue] = {tier: InMemoryQueue() for tier in Tier}

    def fire(self, **overrides: Any) -> FiringEvent:
        alert: Alert = make_alert()
        self.alerts.add(alert)
        firing = make_firing(alert, **overrides)
        self.alerts.update(alert, alert.after_firing(firing), [firing])
        return FiringEvent(firing, 1)

    def route(self, event: FiringEvent) -> RoutingReport:
        return route_firing(
            event, accounts=self.accounts, deliveries=self.deliveries, queues=self.queues, now=NOW, system_now=NOW
        )

    def read(self, body: Mapping[str, Any]) -> Message | str:
        """What a delivery's message says when it is about to be sent, or why it is not sent any more."""
        kind = EventKind(body["kind"])
        return compose(body["signal_id"], kind, signals=InMemorySignals(), log=self.alerts.log, page_url="", now=NOW)


def test_a_firing_is_relayed_and_routed_as_one_delivery_however_often_it_comes() -> None:
    house, routes = House(), InMemoryQueue()
    event = house.fire()
    for _ in range(3):
        relay_events([event], queues=[routes])
    reports = [house.route(FiringEvent.from_message(body)) for body in routes.bodies]
    assert reports == [RoutingReport(1, 0), RoutingReport(0, 1), RoutingReport(0, 1)]
    bodies = house.queues[Tier.PREMIUM].bodies
    (delivery_id,) = (each.delivery_id for each in house.deliveries.stored.values())
    assert {tuple(body["delivery_ids"]) for body in bodies} == {(delivery_id,)}
    message = house.read(bodies[0])
    assert isinstance(message, Message)
    assert message.subject == "Alert: BTC/USDT rose to 101"


def test_a_delivery_of_a_firing_says_what_it_is() -> None:
    house = House()
    house.route(house.fire())
    (delivery,) = house.deliveries.stored.values()
    assert delivery.kind is EventKind.ALERT
    assert delivery.state is DeliveryState.QUEUED
    assert delivery.signal_id == "alerts:acc-1!1"


def test_an_account_that_is_gone_is_told_nothing() -> None:
    house = House(None)
    assert house.route(house.fire()) == RoutingReport(0, 0)


def test_an_account_without_an_address_gets_no_mail_and_sees_why() -> None:
    house = House(replace(ADA, email=None))
    assert house.route(house.fire()) == RoutingReport(deliveries=1, duplicates=0, suppressed=1)
    (delivery,) = house.deliveries.stored.values()
    assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, "no address")
    assert not house.queues[Tier.PREMIUM].bodies


def test_an_address_that_was_switched_off_gets_no_mail_and_its_owner_sees_why() -> None:
    house = House(replace(ADA, mail_off=True))
    assert house.route(house.fire(channels=("email", "websocket"))) == RoutingReport(2, 0, suppressed=1)
    (mail,) = (each for each in house.deliveries.stored.values() if each.channel == "email")
    assert (mail.state, mail.reason) == (DeliveryState.SUPPRESSED, "mail switched off")


def test_a_firing_goes_by_every_channel_that_its_alert_names() -> None:
    house = House()
    assert house.route(house.fire(channels=("email", "push", "websocket"))).deliveries == 3
    recipients = {str(each.channel): each.recipient for each in house.deliveries.stored.values()}
    assert recipients == {"email": "ada@example.com", "push": "devices:acc-1", "websocket": "alerts:acc-1!1"}
    assert len(house.queues[Tier.PREMIUM].bodies) == 3


def test_a_firing_goes_by_no_channel_that_the_accounts_tier_of_today_does_not_give() -> None:
    house = House(replace(ADA, tier=Tier.FREE))
    house.route(house.fire(channels=("push", "websocket")))
    assert [str(each.channel) for each in house.deliveries.stored.values()] == ["websocket"]


def test_a_firing_about_a_signal_waits_until_the_accounts_tier_of_today_may_see_it() -> None:
    """The alert was made as premium, the account is free by now."""
    signal = make_signal()
    house = House(replace(ADA, tier=Tier.FREE))
    published = signal.published_at
    event = house.fire(signal_id=signal.signal_id, signal_published_at=published, at=published + timedelta(seconds=49))
    house.route(event)
    assert house.queues[Tier.FREE].delays == [851]


def test_a_firing_that_the_log_forgot_is_not_told_any_more() -> None:
    house = House()
    house.route(house.fire())
    house.alerts.log.topics.clear()
    (body,) = house.queues[Tier.PREMIUM].bodies
    assert house.read(body) == "gone"
