"""Topics: what a WebSocket client may follow. Each client's word stands for one topic that is stored.

`signals` is one topic per tier, since each tier hears of an open signal at a moment of its own; `alerts` and
`deliveries` are the account's own.
"""

from dataclasses import dataclass

from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.errors import InvalidValueError

SIGNALS = "signals"
ALERTS = "alerts"
DELIVERIES = "deliveries"
_OWN = frozenset({ALERTS, DELIVERIES})


@dataclass(frozen=True, slots=True)
class Feed:
    """A topic that hears of every signal as soon as a tier may, and that anybody of this tier may follow."""

    tier: Tier
    channel: Channel
    recipient: str

    @property
    def account_id(self) -> str:
        """What stands for an account in the deliveries of a feed."""
        return f"feed:{self.tier}"


def stored_topic(name: str, account_id: str, tier: Tier) -> str:
    """Return the topic that a client of this account and tier means by `name`; raise InvalidValueError if none."""
    if name == SIGNALS:
        return feed_topic(tier)
    if name in _OWN:
        return f"{name}:{account_id}"
    raise InvalidValueError(f"topic must be signals, alerts or deliveries, was {name[:60]!r}")


def public_name(topic: str) -> str:
    """Return what a client calls a stored topic."""
    return topic.partition(":")[0]


def feed_topic(tier: Tier) -> str:
    """Return the topic of all signals, as a tier may hear of them."""
    return f"{SIGNALS}:{tier}"


def deliveries_topic(account_id: str) -> str:
    """Return the topic of what an account's own subscriptions ask for."""
    return f"{DELIVERIES}:{account_id}"
