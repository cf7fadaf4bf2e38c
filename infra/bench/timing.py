"""Times that may be compared: taken in turns, in one process, with the garbage collector out of the way.

A machine's speed moves by tens of percent from minute to minute. Cases that take turns share its moods, so that their
ratio holds where their milliseconds do not. What counts is the thread's processor time, so that waiting for a busy
machine is on nobody's account, and the median forgets the rounds that others disturbed.
"""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from time import thread_time

WARM_UPS = 3


def interleaved(cases: Mapping[str, Callable[[], object]], rounds: int, warm_ups: int = WARM_UPS) -> dict[str, float]:
    """Return the median processor seconds of each case.

    Parameters
    ----------
    cases : mapping of str to callable
        What to time. Each runs once a round; the next round begins with the next case, so that none always follows
        the garbage collector.
    rounds : int
        Rounds that count, at least 1.
    warm_ups : int
        Rounds before them that do not.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    turns = deque(cases.items())
    with _no_collector():
        for number in range(warm_ups + rounds):
            gc.collect()
            for name, case in turns:
                elapsed = _seconds(case)
                if number >= warm_ups:
                    times[name].append(elapsed)
            turns.rotate(-1)
    return {name: median(taken) for name, taken in times.items()}


def in_order(cases: Mapping[str, Callable[[], object]], order: Iterable[str]) -> dict[str, float]:
    """Return the median processor seconds of each case that `order` names, run just as it says.

    What a short case takes depends on what ran before it, by what is left in the processor's caches: where the order
    of real life is known, it is the one to measure in.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    gc.collect()
    with _no_collector():
        for name in order:
            times[name].append(_seconds(cases[name]))
    return {name: median(taken) for name, taken in times.items() if taken}


def _seconds(case: Callable[[], object]) -> float:
    began = thread_time()
    case()
    return thread_time() - began


@contextmanager
def _no_collector() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
