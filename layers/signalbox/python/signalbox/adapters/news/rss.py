"""RSS and Atom feeds, read by feedparser: whatever can be read of a flawed feed is, and the flaw is told."""

import re
from calendar import timegm
from datetime import datetime
from html import unescape
from typing import Any

import feedparser

from signalbox.adapters.news.http import get
from signalbox.domain.errors import FeedUnreadableError
from signalbox.domain.instants import from_ms
from signalbox.domain.sentiment.feeds import Feed
from signalbox.domain.sentiment.items import NewsItem
from signalbox.ports.sentiment import FeedState, Reading

LONGEST_TITLE = 500
"""Characters of a title that are kept."""

_DECLARED_ENTITY = re.compile(rb"<!\s*(?:ENTITY|DOCTYPE[^>]*\[)", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")


class RssFeed:
    """Implements `ports.NewsSource`.

    Parameters
    ----------
    feed : Feed
        Its name, address and weight.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    @property
    def source(self) -> str:
        """Its name."""
        return self._feed.source

    @property
    def weight(self) -> float:
        """How much its items count."""
        return self._feed.weight

    def read(self, state: FeedState | None) -> Reading:
        """Return what is new since `state`.

        Raises FeedUnavailableError (no answer, throttled, 5xx) or FeedUnreadableError (refused, no feed, or one that
        declares entities of its own, which no feed needs and which can be made to fill the memory).
        """
        answer = get(self._feed.url, _conditions(state))
        if answer.body is None:
            return Reading([], state)
        items, flaw = parse(answer.body, self._feed.source, answer.headers.get("content-type", ""))
        told = FeedState(answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))
        return Reading(items, told if not flaw and told != FeedState() else None, flaw)


def parse(body: bytes, source: str, content_type: str = "") -> tuple[list[NewsItem], str]:
    """Return the items of a feed in its order, and what is wrong with it (empty: nothing).

    Raises FeedUnreadableError if `body` is no feed, or declares entities.
    """
    if _DECLARED_ENTITY.search(body):
        raise FeedUnreadableError(f"feed {source} must not declare entities, did")
    # The type alone decides on the encoding; feedparser would warn of a missing one.
    parsed = feedparser.parse(body, response_headers={"content-type": content_type} if content_type else {})
    broken = str(parsed.get("bozo_exception", "")) if _is_broken(parsed) else ""
    if not parsed.entries and (broken or not parsed.get("version")):
        raise FeedUnreadableError(f"{source} must send an RSS or Atom feed, sent {body[:60]!r}: {broken or 'no feed'}")
    items = [item for entry in parsed.entries if (item := _item(entry, source))]
    untitled = len(parsed.entries) - len(items)
    flaws = [broken, f"{untitled} of {len(parsed.entries)} items have no title" if untitled else ""]
    return items, "; ".join(flaw for flaw in flaws if flaw)


def _is_broken(parsed: Any) -> bool:
    """Return whether what was read may be less than what was sent: a differing encoding alone loses nothing."""
    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    return bool(parsed.bozo) and not isinstance(parsed.get("bozo_exception"), harmless)


def _item(entry: Any, source: str) -> NewsItem | None:
    title = " ".join(unescape(_MARKUP.sub(" ", entry.get("title", ""))).split())[:LONGEST_TITLE]
    if not title:
        return None
    link = entry.get("link", "")
    return NewsItem(
        source=source,
        title=title,
        guid=entry.get("id", "") or link,
        url=link,
        published_at=_moment(entry.get("published_parsed") or entry.get("updated_parsed")),
    )


def _moment(parsed: Any) -> datetime | None:
    """Return the moment that feedparser read (UTC), or None where it is none."""
    try:
        return from_ms(timegm(parsed) * 1000) if parsed else None
    except (ValueError, OverflowError):
        return None


def _conditions(state: FeedState | None) -> dict[str, str]:
    if state is None:
        return {}
    conditions = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in conditions.items() if value}
