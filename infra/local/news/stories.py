"""What a news desk tells: stories and index values, each as it may be known at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Story:
    """A headline. `time` is when it was published (epoch ms)."""

    time: int
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class IndexValue:
    """The Fear & Greed index of the day that begins at `time` (epoch ms)."""

    time: int
    value: int

    @property
    def classification(self) -> str:
        """The publisher's words for the value."""
        limits = ((25, "Extreme Fear"), (46, "Fear"), (54, "Neutral"), (75, "Greed"))
        return next((name for limit, name in limits if self.value < limit), "Extreme Greed")


class Archive(Protocol):
    """All the news there ever will be, shown up to a moment.

    Attributes
    ----------
    sources : tuple of str
        The feeds there are.
    """

    sources: tuple[str, ...]

    def stories(self, source: str, now: int, count: int) -> Sequence[Story]:
        """Return the newest `count` stories of a feed published at or before `now` (epoch ms), newest first."""
        ...

    def index(self, now: int, count: int) -> Sequence[IndexValue]:
        """Return the index of the newest `count` days that have begun at `now`, newest first."""
        ...
