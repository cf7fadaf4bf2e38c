"""What a worker heard being asked, told to the common record now and then: no request pays for a write of its own."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.caching.questions import Question
from signalbox.domain.errors import TransientError
from signalbox.ports.caching import AskedRepository

PERIOD = timedelta(seconds=30)
MOST_HEARD = 100
"""Questions that a worker remembers between two reports; others of that time are not counted."""


class Listener:
    """Hears questions, and reports them every `PERIOD`, with the request that comes then.

    Only first pages are heard: whoever goes on to the next is soon alone.

    Parameters
    ----------
    asked : AskedRepository
        The common record.
    now : callable
        Tells the wall clock's time.
    """

    def __init__(self, asked: AskedRepository, now: Callable[[], datetime]) -> None:
        self._asked = asked
        self._now = now
        self._since = now()
        self._heard: dict[str, tuple[int, Mapping[str, Any]]] = {}

    def hear(self, question: Question) -> None:
        """Count a question."""
        if question.cursor is None:
            key = question.key
            times, message = self._heard.get(key, (0, {}))
            if times or len(self._heard) < MOST_HEARD:
                self._heard[key] = (times + 1, message or question.to_message())
        now = self._now()
        if now - self._since >= PERIOD:
            self._report(now)

    def _report(self, now: datetime) -> None:
        heard = [(key, times, message) for key, (times, message) in self._heard.items()]
        self._heard, self._since = {}, now
        try:
            self._asked.hear(heard, now)
        except TransientError:
            return  # What is popular is heard again.
