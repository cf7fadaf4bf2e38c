"""How much time a worker must have left for what it begins.

One that is stopped in the middle leaves its deliveries interrupted: sent or not, nobody knows.
"""

from math import inf

from signalbox.domain.errors import TransientError

ENOUGH_TO_BEGIN = 20.0
"""Seconds that a worker must have left to claim some hundred deliveries."""
ENOUGH_TO_SEND = 12.0
"""Seconds that it must have left to send what it claimed, and record it: else it gives the claims back, unsent."""


def no_limit() -> float:
    """Return that a worker has all the time there is."""
    return inf


def no_time() -> TransientError:
    """Return why a message comes back that nothing was sent for."""
    return TransientError("a worker must have time for what it is asked to send, had not")
