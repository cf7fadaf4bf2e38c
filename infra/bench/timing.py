"""Times that may be compared: taken in turns, in one process, with the garbage collector out of the way.

A machine's speed moves by tens of percent from minute to minute. Cases that take turns share its moods, so that their
ratio holds where their milliseconds do not. What counts is the thread's processor time, so that waiting for a busy
machine is on nobody's account, and the median forgets the rounds that others disturbed.
"""

import gc
from collections import deque
from collections.abc import Callable, Mapping
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
    collecting = gc.isenabled()
    try:
        for number in range(warm_ups + rounds):
            gc.collect()
            gc.disable()
            for name, case in turns:
                began = thread_time()
                case()
                elapsed = thread_time() - began
                if number >= warm_ups:
                    times[name].append(elapsed)
            turns.rotate(-1)
    finally:
        if collecting:
            gc.enable()
    return {name: median(taken) for name, taken in times.items()}
