"""WebSocket on fakes, wired as the functions wire it."""

import json
from typing import Any

from signalbox.adapters.storage.price_topics import FramedPriceTopics
from signalbox.domain.accounts.account import ALL_SCOPES, Account, Caller, Scope, Tier
from signalbox.domain.delivery.message import Envelope
from signalbox.services.connections import Conversation, connect, receive
from signalbox.services.topics import TopicSender
from tests.builders import NOW, make_message, make_universe
from tests.fakes.delivery import InMemoryAccounts
from tests.fakes.market import InMemoryPriceFrames
from tests.fakes.topics import InMemoryFollowers, InMemoryTopics, Switchboard
from tests.fakes.work import FixedClock, InMemoryUniverse

WATCHED = make_universe("BTC/USDT", "ETH/USDT", "XRP/USDT")


class House:
    """WebSocket on fakes: `say` sends a client's message, `tell` tells a topic."""

    def __init__(self) -> None:
        self.followers = InMemoryFollowers()
        self.accounts = InMemoryAccounts()
        self.topics = InMemoryTopics()
        self.frames = InMemoryPriceFrames()
        self.prices = FramedPriceTopics(InMemoryUniverse(WATCHED), self.frames, FixedClock(NOW))
        self.board = Switchboard()
        self.sender = TopicSender(self.topics, self.followers, self.board, NOW)
        self.told = 0

    def open(self, name: str = "conn", tier: Tier = Tier.PRO, scopes: frozenset[Scope] = ALL_SCOPES) -> None:
        """Let a connection of acc-1 open, which has `tier` from now on."""
        account = Account("acc-1", tier)
        self.accounts.put_account(account)
        connect(name, Caller(account, scopes), connections=self.followers, accounts=self.accounts, now=NOW)

    def say(self, body: Any, name: str = "conn") -> list[dict[str, Any]]:
        """Send a message and return what came back."""
        before = len(self.board.received.get(name, []))
        text = body if isinstance(body, str) else json.dumps(body)
        receive(name, text, Conversation(self.followers, self.topics, self.prices, self.board, NOW, NOW))
        return self.board.received.get(name, [])[before:]

    def tell(self, topic: str = "signals:pro") -> str:
        self.told += 1
        envelope = Envelope(make_message(facts={"n": self.told}), topic, f"delivery-{self.told}")
        self.sender.send_all([envelope])
        return envelope.delivery_id


def events(messages: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [
        (event["sequence"], event["data"]["delivery_id"])
        for message in messages
        if message["type"] == "events"
        for event in message["events"]
    ]
