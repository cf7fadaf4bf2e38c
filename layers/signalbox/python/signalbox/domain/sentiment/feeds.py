"""Which feeds are read: a name, an address, a weight."""

import re
from dataclasses import dataclass

from signalbox.domain.errors import InvalidValueError

DEFAULT = "default"
"""Stands for `DEFAULT_FEEDS` in the setting."""

DEFAULT_FEEDS = (
    "cointelegraph=https://cointelegraph.com/rss,"
    "coindesk=https://www.coindesk.com/arc/outboundfeeds/rss/,"
    "decrypt=https://decrypt.co/feed,"
    "cryptopotato=https://cryptopotato.com/feed/,"
    "cryptonews:0.8=https://cryptonews.com/news/feed/,"
    "bitcoinmagazine:0.8=https://bitcoinmagazine.com/feed"
)
"""Public feeds of newsrooms. Those that mostly promote one coin or carry paid posts weigh less."""

_FEED = re.compile(r"(?P<source>[a-z0-9-]{1,30})(?::(?P<weight>[0-9.]{1,5}))?=(?P<url>https?://[^\s,]+)")


@dataclass(frozen=True, slots=True)
class Feed:
    """An RSS or Atom feed. `weight` in (0, 1] is how much its items count."""

    source: str
    url: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise InvalidValueError(f"weight of feed {self.source} must be in (0, 1], was {self.weight}")


def read_feeds(text: str) -> tuple[Feed, ...]:
    """Return the feeds that a setting lists as `name=url` or `name:weight=url`, parted by commas; `default` is a list.

    Raises InvalidValueError naming the first that is spelled otherwise, or a name that is given twice.
    """
    if text.strip() == DEFAULT:
        text = DEFAULT_FEEDS
    feeds = tuple(_feed(part.strip()) for part in text.split(",") if part.strip())
    names = [feed.source for feed in feeds]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValueError(f"feeds must have different names, {twice[0]} was given {names.count(twice[0])} times")
    return feeds


def _feed(text: str) -> Feed:
    found = _FEED.fullmatch(text)
    if not found:
        raise InvalidValueError(f"feed must be name=url or name:weight=url, was {text!r}")
    weight = found["weight"] or "1"
    if weight.count(".") > 1 or weight == ".":
        raise InvalidValueError(f"weight of feed {found['source']} must be a number in (0, 1], was {weight!r}")
    return Feed(found["source"], found["url"], float(weight))
