"""What a signal's history keeps of its ending."""

from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import Signal


def ending_record(signal: Signal) -> dict[str, Any]:
    """Return the last record of an ended signal's history; prices as exact text.

    Raises InvalidValueError if the signal is still open.
    """
    ending = signal.ending
    if ending is None:
        raise InvalidValueError(f"signal must have ended, {signal.signal_id} is {signal.status}")
    return {
        "kind": "ended",
        "number": signal.revision,
        "reason": str(ending.status),
        "as_of": to_iso(ending.ended_at),
        "exit_price": None if ending.exit_price is None else str(ending.exit_price),
        "r": ending.r,
        "ambiguous": ending.ambiguous,
        "candles_hash": ending.candles_hash,
        "rules_version": ending.rules_version,
    }
