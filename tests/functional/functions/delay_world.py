"""A world in which signals happen through the functions that make them happen, and somebody listens by WebSocket."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from signalbox import bootstrap
from signalbox.adapters.storage.cache import CacheItem
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.alerts.alert import WIDEST_NEAR, AlertKind
from signalbox.domain.alerts.firing import Firing, FiringEvent, topic_of
from signalbox.domain.delivery.delivery import Channel
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal
from signalbox.domain.universe.shards import Shard
from signalbox.services.accounts import make_key
from signalbox.services.evaluate_alerts import evaluate_alerts
from tests.builders import ended, make_event, make_price, make_subscription
from tests.fakes.alerts import make_alert, make_terms
from tests.fakes.topics import Switchboard
from tests.fakes.work import InMemoryQueue
from tests.functional.functions.conftest import NOW, load_event
from tests.functional.functions.gate import Gate

ALERT_ID = "alert-new"
"""Everybody's alert on new signals of the hidden one's symbol."""
OWN_TOPICS = ("signals", "alerts", "deliveries", "regimes")


def credential_of(account: Account, signal: Signal) -> str:
    """Store an account that asked for everything there is, as if it had been premium when it asked; return its key."""
    bootstrap.account_repository().put_account(account)
    everything = make_subscription(
        subscription_id=f"sub-{account.account_id}",
        account_id=account.account_id,
        tier=account.tier,
        channels=frozenset({Channel.WEBSOCKET, Channel.EMAIL}),
    )
    bootstrap.subscription_repository().put(everything)
    yesterday = signal.created_at - timedelta(days=1)
    for name, kind, asked in (
        (ALERT_ID, AlertKind.NEW_SIGNAL, {"minimum_quality": 0.0}),
        ("alert-near", AlertKind.NEAR_TARGET, {"percent": WIDEST_NEAR}),
    ):
        terms = make_terms(kind, symbol=signal.symbol, channels=everything.channels, **asked)
        alert = make_alert(terms, alert_id=name, account_id=account.account_id, tier=Tier.PREMIUM, now=yesterday)
        bootstrap.alert_repository().add(alert)
    return make_key(account, scopes=frozenset(Scope), accounts=bootstrap.account_repository(), now=NOW).text


class World:
    """What happens to signals, up to what is sent of it."""

    def __init__(self, gate: Gate, board: Switchboard, queues: Mapping[Tier, InMemoryQueue]) -> None:
        self.gate, self.board, self._queues = gate, board, queues

    def publish(self, signal: Signal) -> None:
        """Let a signal come out, be filled and be revised."""
        bootstrap.signal_repository().add(signal)
        self._tell(signal, EventKind.PUBLISHED)
        for kind in (EventKind.FILLED, EventKind.REVISED):
            self._tell(signal, kind)

    def end(self, signal: Signal) -> None:
        """Let a signal end."""
        bootstrap.signal_repository().update(signal, ended(signal))
        self._tell(ended(signal), EventKind.ENDED)

    def check_alerts(self, signal: Signal, accounts: Iterable[Account]) -> None:
        """Let a cycle find the signal open, and its price near its target; then tell who is to be told."""
        now = bootstrap.clock().now()
        price = make_price(signal.symbol, float(signal.levels.target_price * Decimal("0.99")), time=to_ms(now))
        shard = Shard("reprice_signals", 0, 1, "binance", 0, Timeframe.H1, (signal.symbol,), signal.created_at)
        evaluate_alerts(
            shard,
            {signal.symbol: price},
            [signal],
            alerts=bootstrap.alert_repository(),
            checks=bootstrap.alert_checks(),
            accounts=bootstrap.account_repository(),
            candles=bootstrap.candle_store(),
            frames=bootstrap.price_frame_store(),
            now=now,
            grace_seconds=10,
        )
        for account in accounts:
            for number, record in bootstrap.topic_writer().after(topic_of(account.account_id), 0, 10):
                self._run("route_deliveries", FiringEvent(Firing.from_record(record), number).to_message())
        self._deliver()

    def forget_answers(self) -> None:
        """Let nothing be kept any more of what was answered."""
        for item in list(CacheItem.scan()):
            if item.entry.startswith("answer "):
                item.delete()
        for remembered in (bootstrap.answer_cache, bootstrap.remembered_monitoring):
            remembered.cache_clear()

    def _tell(self, signal: Signal, kind: EventKind) -> None:
        event = make_event(signal, kind, as_of=signal.published_at, confidence=signal.confidence)
        for function in ("update_read_models", "route_deliveries"):
            self._run(function, event.to_message())
        self._deliver()

    def _deliver(self) -> None:
        """Send what no queue holds back."""
        for queue in self._queues.values():
            queued = list(zip(queue.bodies, queue.delays, strict=True))
            queue.bodies, queue.delays = [], []
            for body, delay in queued:
                if not delay:
                    self._run("deliver_signals", body)

    def _run(self, function: str, body: Mapping[str, Any]) -> None:
        event = load_event(function)
        event["Records"][0]["body"] = json.dumps(body)
        assert self.gate.handler(function)(event, self.gate.context) == {"batchItemFailures": []}


class Listener:
    """One client by WebSocket, who asks every topic how far it is and for all that is in it."""

    def __init__(self, world: World, credential: str, name: str) -> None:
        self._world, self._name = world, name
        gate, self._event = world.gate, load_event("authorize")
        token = gate("POST", "/signals/api/account/tokens", credential).body["token"]
        self._event |= {"queryStringParameters": {"token": token}, "headers": {}}
        self._event["requestContext"] |= {"connectionId": name, "routeKey": "$connect"}
        self._event["requestContext"]["authorizer"] = gate.handler("authorize")(self._event, gate.context)["context"]
        assert self._send("$connect") == {"statusCode": 200}

    def ask(self, *symbols: str) -> list[Mapping[str, Any]]:
        """Follow and resume everything; return what is answered."""
        before = len(self.heard)
        for topic in (*OWN_TOPICS, *(f"prices:{symbol}" for symbol in symbols)):
            for action in ({"action": "subscribe"}, {"action": "resume", "after": 0}):
                self._send("$default", action | {"topic": topic})
        return self.heard[before:]

    @property
    def heard(self) -> list[dict[str, Any]]:
        """All that ever came."""
        return list(self._world.board.received.get(self._name, []))

    def _send(self, route: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = {**self._event["requestContext"], "routeKey": route}
        event = {**self._event, "requestContext": request, "body": None if body is None else json.dumps(body)}
        return dict(self._world.gate.handler("websocket")(event, self._world.gate.context))
