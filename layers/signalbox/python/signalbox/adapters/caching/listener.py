"""What a worker heard being asked, and what its cache did, told to the common record now and then.

No request pays for a write of its own.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.caching.figures import Increments
from signalbox.domain.caching.questions import Question
from signalbox.domain.errors import TransientError
from signalbox.ports.caching import AskedRepository, CacheFiguresRepository

PERIOD = timedelta(seconds=30)
MOST_HEARD = 100
"""Questions that a worker remembers between two reports; others of that time are not counted."""
LONGEST_HEARD = 1_500
"""Characters of a question, as JSON: the common record is one item, of at most 400 KB, for a hundred of them."""


class Listener:
    """Hears questions, and reports them every `PERIOD`, with the request that comes then.

    Only first pages are heard: whoever goes on to the next is soon alone; so is who asks at great length.

    Parameters
    ----------
    asked, figures : AskedRepository, CacheFiguresRepository
        The common records.
    increments : Increments
        What the worker's cache did.
    now : callable
        Tells the wall clock's time.
    """

    def __init__(
        self,
        asked: AskedRepository,
        figures: CacheFiguresRepository,
        increments: Increments,
        now: Callable[[], datetime],
    ) -> None:
        self._asked = asked
        self._figures = figures
        self._increments = increments
        self._now = now
        self._since = now()
        self._heard: dict[str, tuple[int, Mapping[str, Any]]] = {}

    def hear(self, question: Question) -> None:
        """Count a question."""
        if question.cursor is None:
            key = question.key
            times, message = self._heard.get(key) or (0, question.to_message())
            if times or (len(self._heard) < MOST_HEARD and len(json.dumps(message)) <= LONGEST_HEARD):
                self._heard[key] = (times + 1, message)
        now = self._now()
        if now - self._since >= PERIOD:
            self._report(now)

    def _report(self, now: datetime) -> None:
        heard = [(key, times, message) for key, (times, message) in self._heard.items()]
        self._heard, self._since = {}, now
        try:
            self._asked.hear(heard, now)
            self._figures.add(self._increments.take(), now)
        except TransientError:
            return  # What is popular is heard again; figures that are lost are but figures.
