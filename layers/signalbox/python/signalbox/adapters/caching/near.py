"""What one worker keeps for itself: the answers it used last."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class NearMemory(Generic[Value]):
    """Values by key, the `most` that were used last. Threads may share it.

    Parameters
    ----------
    most : int
        How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Value | None:
        """Return the value of `key`, which now is the one used last."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, value: Value) -> int:
        """Keep a value; return how many others had to go."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            gone = max(len(self._kept) - self._most, 0)
            for _ in range(gone):
                self._kept.popitem(last=False)
            return gone
