"""EventBridge Scheduler's event: which moment a schedule was due for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from signalbox.domain.instants import from_iso


def scheduled_moment(event: Mapping[str, Any], now: datetime) -> datetime:
    """Return the moment that `scheduled_time` names, or `now` where the Scheduler did not fill it in.

    The turn is then the one that `now` falls into, which a late start can only miss by its own delay.
    """
    text = event.get("scheduled_time", "")
    if not text or text.startswith("<"):
        return now
    return from_iso(text)
