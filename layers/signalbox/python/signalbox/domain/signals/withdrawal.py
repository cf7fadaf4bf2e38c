"""An operator's withdrawal of an open signal: the one ending that no candle decides.

It ends a signal as INVALIDATED, which no rate counts and every table of results shows, with the operator's reason in
the signal's notes, in its history and in what its subscribers are told. What was published stays as it was.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from signalbox.domain.accounts.texts import checked_name
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.ending_record import ending_record
from signalbox.domain.signals.revision import current_levels, reward_risk
from signalbox.domain.signals.signal import Ending, Signal, Status

LONGEST_REASON = 200
NOTE = "withdrawn: "
"""How the note begins that a withdrawn signal carries."""


def checked_reason(text: str) -> str:
    """Return the reason with single spaces; raise InvalidValueError if it is empty, longer than 200 characters, or
    holds what means something in HTML or in a template: it goes into mails."""
    reason = checked_name(text, LONGEST_REASON)
    if not reason:
        raise InvalidValueError("reason must say why the signal is withdrawn, was empty")
    return reason


def withdraw(signal: Signal, reason: str, now: datetime) -> tuple[Signal, Mapping[str, Any]]:
    """Return the signal ended by a withdrawal, and the record of it for its history.

    Parameters
    ----------
    signal : Signal
        Open, not expired, and not seen at its target or stop: what has run out or reached a level is settled by its
        candles, whatever the operator would like.
    reason : str
        As `checked_reason` returns it.
    now : datetime
        The system clock; `ended_at`.

    Raises
    ------
    InvalidValueError
        If the signal has ended or run out, or its newest revision says that the price reached target or stop.
    """
    if signal.status is not Status.OPEN:
        raise InvalidValueError(f"signal must be open to be withdrawn, {signal.signal_id} is {signal.status}")
    if now >= signal.expires_at:
        raise InvalidValueError(
            f"signal must be withdrawn before it expires, {signal.signal_id} did at {to_iso(signal.expires_at)}"
        )
    if reward_risk(current_levels(signal), signal.signal_type) is None:
        raise InvalidValueError(
            f"signal must be withdrawn before its price reaches a level, {signal.signal_id} came to "
            f"{signal.revised_price}"
        )
    ending = Ending(
        status=Status.INVALIDATED,
        ended_at=now,
        exit_price=None,
        r=None,
        optimistic_r=None,
        cost_r=None,
        ambiguous=False,
        candles_hash=signal.candles_hash,
    )
    ended = replace(
        signal,
        status=Status.INVALIDATED,
        revision=signal.revision + 1,
        ending=ending,
        notes=(*signal.notes, f"{NOTE}{reason}"),
    )
    return ended, {**ending_record(ended), "withdrawn": reason}


def reason_of(signal: Signal) -> str | None:
    """Return why the signal was withdrawn, or None if it was not."""
    if signal.status is not Status.INVALIDATED:
        return None
    reasons = (note.removeprefix(NOTE) for note in reversed(signal.notes) if note.startswith(NOTE))
    return next(reasons, None)
