"""Real headlines and the real index, read from two files and told at the market's clock."""

import csv
import gzip
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from infra.local.news.stories import IndexValue, Story
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_ms

NEWS = "news-*.csv.gz"
INDEX = "fear-greed-*.csv.gz"


class RecordedArchive:
    """Implements `stories.Archive` over files of headlines (date, source, title, url) and of the index (date, value).

    Parameters
    ----------
    folder : Path
        Holds `news-*.csv.gz` and `fear-greed-*.csv.gz`, at least one of either.

    Raises
    ------
    InvalidValueError
        If one of them is missing or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        stories: dict[str, list[Story]] = {}
        for row in _rows(folder, NEWS):
            story = Story(_epoch(row["date"]), _cleaned(row["title"]), row["url"])
            stories.setdefault(row["source"].lower(), []).append(story)
        self._stories = {
            source: sorted(told, key=lambda story: (story.time, story.url)) for source, told in stories.items()
        }
        self._index = sorted(
            (IndexValue(_epoch(row["date"]), int(row["value"])) for row in _rows(folder, INDEX)),
            key=lambda value: value.time,
        )
        self.sources = tuple(sorted(self._stories))

    @staticmethod
    def has_files(folder: Path) -> bool:
        """Return whether a folder holds both kinds of files."""
        return all(any(folder.glob(pattern)) for pattern in (NEWS, INDEX))

    def stories(self, source: str, now: int, count: int) -> Sequence[Story]:
        """Return the newest `count` stories of a feed published at or before `now` (epoch ms), newest first."""
        told = self._stories[source]
        end = bisect_right(told, now, key=lambda story: story.time)
        return told[max(end - count, 0) : end][::-1]

    def index(self, now: int, count: int) -> Sequence[IndexValue]:
        """Return the index of the newest `count` days that have begun at `now`, newest first."""
        end = bisect_right(self._index, now, key=lambda value: value.time)
        return self._index[max(end - count, 0) : end][::-1]


def _rows(folder: Path, pattern: str) -> Iterator[dict[str, str]]:
    files = sorted(folder.glob(pattern))
    if not files:
        raise InvalidValueError(f"folder must hold {pattern}, does not: {folder}")
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="") as lines:
            yield from csv.DictReader(lines)


def _epoch(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _cleaned(title: str) -> str:
    r"""Return a title without the `\xa0` that the files spell out."""
    return " ".join(title.replace("\\xa0", " ").split())
