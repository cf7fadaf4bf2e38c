"""Withdraw an open signal, as an operator asks: once, whatever the functions do to it at the same moment."""

from datetime import datetime

from signalbox.domain.errors import InvalidValueError, TransientError
from signalbox.domain.signals.signal import Signal
from signalbox.domain.signals.withdrawal import checked_reason, reason_of, withdraw
from signalbox.ports.signals import SignalChanges, SignalRepository

TRIES = 10
"""How often a signal is read again that somebody else changed first: it is changed once a cycle, and ends once."""


def withdraw_signal(
    signal_id: str, reason: str, *, signals: SignalRepository, changes: SignalChanges, now: datetime
) -> Signal:
    """End an open signal as INVALIDATED, with the operator's reason in its notes and its history; return it.

    One that was withdrawn before is returned as it is. The table's stream tells of it like of any other ending.

    Raises
    ------
    InvalidValueError
        If there is no such signal, it has ended or run out, or the reason cannot be told.
    TransientError
        If storage failed, or others changed the signal first too many times.
    """
    told = checked_reason(reason)
    for _ in range(TRIES):
        signal = signals.get(signal_id)
        if signal is None:
            raise InvalidValueError(f"signal_id must be that of a stored signal, was {signal_id[:200]!r}")
        if reason_of(signal) is not None:
            return signal
        withdrawn, record = withdraw(signal, told, now)
        if changes.apply(signal, withdrawn, record):
            return withdrawn
    raise TransientError(f"signal {signal_id} must be withdrawn, others changed it first {TRIES} times")
