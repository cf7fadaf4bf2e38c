"""What a worker remembers of who asks, so that most requests need no look-up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

REVOCATION_BOUND = timedelta(seconds=60)
"""How long a revoked key, an erased account or a changed tier may still count: then a worker looks again."""
MOST_REMEMBERED = 5_000

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """Values by name, each for `life` from when it was looked up, however often it is used meanwhile.

    Absence is not remembered: what is made now is found now. The oldest goes when there are `MOST_REMEMBERED`.
    """

    def __init__(self, life: timedelta = REVOCATION_BOUND) -> None:
        self._life = life
        self._known: dict[str, tuple[datetime, Value]] = {}

    def recall(self, name: str, now: datetime, look_up: Callable[[str], Value | None]) -> Value | None:
        """Return the value of `name` as it was within its life, or as `look_up` finds it."""
        known = self._known.get(name)
        if known is not None and known[0] <= now < known[0] + self._life:
            return known[1]
        self._known.pop(name, None)
        found = look_up(name)
        if found is not None:
            if len(self._known) >= MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[name] = (now, found)
        return found
