"""The news desk: `/news/<source>.rss` and `/news/fear-greed` at the market's clock, spelled as the real ones."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

from infra.local.exchange.dialects.base import Answer
from infra.local.exchange.market import Market
from infra.local.news.recorded import RecordedArchive
from infra.local.news.simulated import SimulatedArchive
from infra.local.news.stories import Archive, Story
from signalbox.domain.instants import from_ms

IN_FEED = 60
"""Items of one feed: what newsrooms show of two or three days."""

FEAR_GREED_PATH = "fear-greed"


class NewsDesk:
    """Answers requests below `/news/`.

    Parameters
    ----------
    archive : Archive
        What is told.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    def answer(self, path: str, query: Mapping[str, str], now: int) -> Answer:
        """Return what lies at `path` (without `/news/`) at the moment `now` (epoch ms)."""
        source = path.removesuffix(".rss")
        if path == FEAR_GREED_PATH:
            return self._index(query.get("limit", "1"), now)
        if path.endswith(".rss") and source in self.archive.sources:
            stories = self.archive.stories(source, now, IN_FEED)
            return Answer(_rss(source, stories), content_type="application/rss+xml; charset=utf-8")
        known = ", ".join([*(f"{each}.rss" for each in self.archive.sources), FEAR_GREED_PATH])
        return Answer.of({"error": f"path must be one of {known}, was {path}"}, 404)

    def _index(self, limit: str, now: int) -> Answer:
        if not limit.isdecimal():
            return Answer.of({"error": f"limit must be a whole number, was {limit}"}, 400)
        data = [
            {
                "value": str(each.value),
                "value_classification": each.classification,
                "timestamp": str(each.time // 1000),
            }
            for each in self.archive.index(now, int(limit) or 3000)
        ]
        return Answer.of({"name": "Fear and Greed Index", "data": data, "metadata": {"error": None}})


def open_desk(market: Market, seed: int, folder: str = "") -> NewsDesk | None:
    """Return the desk of a market: of the files in `folder` if given, made up for a simulated one, else none."""
    if folder:
        return NewsDesk(RecordedArchive(Path(folder)))
    return NewsDesk(SimulatedArchive(market, seed)) if market.source == "simulated" else None


def recorded_folder() -> str:
    """Return the folder of real headlines that `SIGNALBOX_DATA` names, or nothing where it holds none."""
    folder = os.environ.get("SIGNALBOX_DATA", "")
    return folder if folder and RecordedArchive.has_files(Path(folder)) else ""


def _rss(source: str, stories: Sequence[Story]) -> bytes:
    items = "".join(
        f"<item><title>{_text(story.title)}</title><link>{_text(story.url)}</link>"
        f'<guid isPermaLink="false">{_text(story.url)}</guid>'
        f"<pubDate>{format_datetime(from_ms(story.time).astimezone(UTC), usegmt=True)}</pubDate></item>"
        for story in stories
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
    return f"{head}<title>{_text(source)}</title>{items}</channel></rss>".encode()


def _text(text: str) -> str:
    return escape("".join(character for character in text if character.isprintable()))
