"""Pages of signals for one caller, and one signal: none that the caller's tier may not know of yet."""

from datetime import datetime, timedelta

from signalbox import bootstrap
from signalbox.api.page_texts import kept_page
from signalbox.api.problems import not_found, refused
from signalbox.api.signal_inputs import SignalsQuery
from signalbox.domain.accounts.account import Account
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.caching import Reading
from signalbox.ports.signals import FeedQuery, SignalRepository

DAY = timedelta(days=1)


def page(
    query: SignalsQuery,
    caller: Account,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    where: SignalFilter | None = None,
    sort: Sort = Sort.CREATED,
    descending: bool = True,
    bound_to: str = "",
) -> Reading:
    """Return one page of the signals created in [since, until) that `caller` may see, by default newest first.

    `where` is what `query` asks for if not given; `bound_to` names the span that a cursor belongs to, where one was
    asked for.
    """
    asked = FeedQuery(
        since=since,
        until=until,
        visible_at=now - caller.tier.delay,
        limit=query.limit,
        where=query.where() if where is None else where,
        sort=sort,
        descending=descending,
        cursor=query.cursor,
        bound_to=bound_to,
        delay_class=str(caller.tier),
    )
    try:
        return kept_page(asked, cache=bootstrap.answer_cache(), signals=bootstrap.signal_repository(), now=now)
    except InvalidValueError as e:
        raise refused("cursor", str(e)) from e


def day_of(now: datetime) -> datetime:
    """Return the beginning of a moment's day. Spans that nobody chose go by whole days, so that a question stays the
    same question, and its answer can be kept, until the day is over."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


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
