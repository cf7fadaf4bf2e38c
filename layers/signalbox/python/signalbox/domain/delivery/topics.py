"""Topics: what a WebSocket client may follow. Each client's word stands for one topic that is stored.

`signals` is one topic per tier, since each tier hears of an open signal at a moment of its own; `alerts` and
`deliveries` are the account's own. `regimes` is one for everybody, and so is `prices:<symbol>`, whose entries are the
price frames: nothing is written for it, and an entry's number is its cycle's minute.
"""

from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.accounts.account import Scope, Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms, to_ms

SIGNALS = "signals"
ALERTS = "alerts"
DELIVERIES = "deliveries"
REGIMES = "regimes"
PRICES = "prices"
_OWN = frozenset({ALERTS, DELIVERIES})
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Feed:
    """A topic that hears of every signal as soon as a tier may, and that anybody of this tier may follow."""

    tier: Tier
    channel: Channel
    recipient: str

    @property
    def account_id(self) -> str:
        """What stands for an account in the deliveries of a feed."""
        return feed_account(self.tier)


def stored_topic(name: str, account_id: str, tier: Tier) -> str:
    """Return the topic that a client of this account and tier means by `name`; raise InvalidValueError if none."""
    if name == SIGNALS:
        return feed_topic(tier)
    if name in _OWN:
        return f"{name}:{account_id}"
    if name == REGIMES or symbol_of(name):
        return name
    raise InvalidValueError(f"topic must be signals, alerts, deliveries, regimes or prices:SYMBOL, was {name[:60]!r}")


def scope_of(name: str) -> Scope:
    """Return what a key or token must be for to hear of what a client calls `name`, as by REST."""
    return Scope.SUBSCRIBE if name in _OWN else Scope.READ


def public_name(topic: str) -> str:
    """Return what a client calls a stored topic."""
    return topic if symbol_of(topic) else topic.partition(":")[0]


def price_topic(symbol: str) -> str:
    """Return the topic of a symbol's consensus prices."""
    return f"{PRICES}:{symbol}"


def symbol_of(topic: str) -> str:
    """Return the symbol whose prices a topic is of, or nothing if it is another topic."""
    return topic.removeprefix(f"{PRICES}:") if topic.startswith(f"{PRICES}:") else ""


def price_group(bucket: int) -> str:
    """Return what stands for the price topics of all symbols of a bucket: those who follow them are found together."""
    return f"{PRICES}#{bucket}"


def price_number(as_of: datetime) -> int:
    """Return the number that a cycle's prices have in their topics: the minutes from 1970 to its moment."""
    return to_ms(as_of) // _MINUTE_MS


def cycle_of(number: int) -> datetime:
    """Return the moment of the cycle whose prices have this number."""
    return from_ms(number * _MINUTE_MS)


def feed_account(tier: Tier) -> str:
    """Return what stands for an account in the deliveries of a tier's feeds."""
    return f"feed:{tier}"


def feed_topic(tier: Tier) -> str:
    """Return the topic of all signals, as a tier may hear of them."""
    return f"{SIGNALS}:{tier}"


def deliveries_topic(account_id: str) -> str:
    """Return the topic of what an account's own subscriptions ask for."""
    return f"{DELIVERIES}:{account_id}"
