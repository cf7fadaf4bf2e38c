"""Ask again what is asked most, so that whoever asks next finds the answer there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalbox.domain.caching.questions import Question
from signalbox.domain.errors import SignalboxError
from signalbox.ports.signals import FeedQuery
from signalbox.services.kept_pages import query_of

MOST_WARMED = 25
"""Questions that are asked again: each costs a page where it changed, and its counters where it did not."""


@dataclass(frozen=True, slots=True)
class WarmReport:
    """How many questions were asked again, how many of their answers had to be read anew, and how many failed."""

    asked: int
    recomputed: int
    failed: int


def warm_cache(
    questions: Sequence[Mapping[str, Any]],
    *,
    ask: Callable[[FeedQuery], object],
    recomputed: Callable[[], int],
    now: datetime,
) -> WarmReport:
    """Ask `questions` as their tiers would at `now`, the system clock's. An answer that is still good costs nothing
    but looking; so this may be done as often as anybody likes. `recomputed` counts what was read anew so far.

    One that cannot be read (older code remembered it) or answered now is passed over: whoever asks it is answered by
    themselves, and the others are not to wait for it.
    """
    before, failed = recomputed(), 0
    for message in questions:
        try:
            ask(query_of(Question.from_message(message), now))
        except (SignalboxError, KeyError, ValueError):
            failed += 1
    return WarmReport(asked=len(questions), recomputed=recomputed() - before, failed=failed)
