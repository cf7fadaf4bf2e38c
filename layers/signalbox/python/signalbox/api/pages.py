"""Pages of signals for one caller: the tier delay is applied here and nowhere else."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from signalbox.api.inputs import SignalsQuery
from signalbox.api.problems import ProblemError, not_found
from signalbox.api.representation import represent
from signalbox.domain.accounts.account import Account
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.signals import FeedQuery, SignalRepository


def page(
    query: SignalsQuery, caller: Account, *, since: datetime, until: datetime, signals: SignalRepository, now: datetime
) -> dict[str, Any]:
    """Return one page of the signals created in [since, until) that `caller` may see, newest first."""
    asked = FeedQuery(
        since=since,
        until=until,
        visible_at=now - caller.tier.delay,
        limit=query.limit,
        symbol=query.symbol,
        status=query.status,
        cursor=query.cursor,
    )
    try:
        found = signals.feed(asked)
    except InvalidValueError as e:
        detail = f"cursor: {e}"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail, [{"field": "cursor", "detail": str(e)}]) from e
    return {"signals": [represent(signal, now) for signal in found.signals], "next": found.cursor}


def one(signal_id: str, caller: Account, *, signals: SignalRepository, now: datetime) -> Signal:
    """Return the signal that `caller` asks for.

    Raises ProblemError (404) if there is none, and in the same words if this caller may not see it yet.
    """
    try:
        signal = signals.get(signal_id)
    except InvalidValueError:
        signal = None
    if signal is None or (signal.status is Status.OPEN and signal.published_at > now - caller.tier.delay):
        raise not_found(f"signal {signal_id[:120]!r}")
    return signal
