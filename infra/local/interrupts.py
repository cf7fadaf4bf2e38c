"""Ctrl-C and SIGTERM, so that neither a half-started process nor a half-done stop is left behind.

The first signal becomes KeyboardInterrupt wherever the run happens to be; later ones change nothing, since stopping is
under way and must not stay half done. Inside `held()` it waits until the block is over: starting a process and
remembering it are one step.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Gate:
    """Whether signals wait, whether one does, and whether one was already heeded."""

    def __init__(self) -> None:
        self.depth = 0
        self.waiting = False
        self.heeded = False

    def heed(self) -> None:
        """Raise KeyboardInterrupt, once."""
        if not self.heeded:
            self.heeded = True
            raise KeyboardInterrupt


_gate = _Gate()


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    if _gate.depth:
        _gate.waiting = True
        return
    _gate.heed()


def listen() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into KeyboardInterrupt. Main thread only."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait while the block runs; one that came meanwhile raises KeyboardInterrupt at its end."""
    _gate.depth += 1
    try:
        yield
    finally:
        _gate.depth -= 1
    if not _gate.depth and _gate.waiting:
        _gate.waiting = False
        _gate.heed()


def ignore() -> None:
    """Let no signal do anything any more: everything is being stopped anyway."""
    _gate.heeded = True
