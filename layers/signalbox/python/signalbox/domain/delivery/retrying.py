"""How often a delivery is tried, and how long it waits in between."""

from collections.abc import Mapping
from zlib import crc32

from signalbox.domain.accounts.channel import Channel

MOST_ATTEMPTS: Mapping[Channel, int] = {Channel.EMAIL: 8, Channel.PUSH: 6, Channel.WEBSOCKET: 4}
"""After so many attempts a delivery has failed. What a WebSocket missed can be fetched, so it is given up soonest."""
MOST_INTERRUPTIONS = 1
"""After more of them nobody knows how often it was sent: it is given up, and seen where dead letters are."""
FIRST_WAIT = 5
"""Seconds after the first attempt; each further wait is twice as long."""
LONGEST_WAIT = 900
"""Seconds, the longest that a queue can hold a message back."""
_PARTS = 1 << 32


def may_be_tried_again(channel: Channel, attempts: int) -> bool:
    """Return whether a delivery that failed `attempts` times for a while is tried once more."""
    return attempts < MOST_ATTEMPTS[channel]


def may_be_sent_again(channel: Channel, interruptions: int) -> bool:
    """Return whether a delivery whose claims lapsed so often is sent: a mail or a push at most twice in all.

    A topic gives a delivery its number once, however often it is told.
    """
    return channel is Channel.WEBSOCKET or interruptions <= MOST_INTERRUPTIONS


def wait_before_next(attempts: int, name: str) -> int:
    """Return the seconds to wait after `attempts` attempts: exponential, of which the upper half is jitter.

    The jitter is drawn from `name`: the same delivery waits equally long wherever it is asked, and others do not come
    back all at the same moment.
    """
    whole = min(LONGEST_WAIT, FIRST_WAIT << min(attempts - 1, 20))
    fraction = crc32(f"{name}#{attempts}".encode()) / _PARTS
    return max(1, round(whole * (0.5 + 0.5 * fraction)))
