"""`/signals/api/signals`: the feed of signals, and one signal with its record."""

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.answers import FeedPage, FullSignalDocument
from signalbox.api.endpoint import Endpoints
from signalbox.api.kept import answered
from signalbox.api.page_texts import priced_page, priced_signal, read_signal
from signalbox.api.pages import DAY, day_of, one, page
from signalbox.api.policies import caller
from signalbox.api.problems import not_found
from signalbox.api.signal_inputs import SignalsQuery
from signalbox.domain.caching.questions import key_of
from signalbox.domain.caching.versions import signal_names
from signalbox.domain.errors import InvalidValueError
from signalbox.ports.caching import Reading, Request

RECENT = 30 * DAY
"""How far back the feed reaches, in whole days; older signals are in the history."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/signals", FeedPage, query=SignalsQuery, is_checked=True)
def feed(query: SignalsQuery) -> Response:
    """Return the newest signals, open and ended."""
    now = bootstrap.clock().now()
    found = page(
        query,
        caller(endpoints.routes.current_request.context),
        since=day_of(now) - RECENT,
        until=day_of(now) + 2 * DAY,
        now=now,
    )
    return answered(priced_page(found, bootstrap.current_prices(), now))


@endpoints.add("GET", "/signals/api/signals/{signal_id}", FullSignalDocument, is_checked=True)
def signal_by_id(signal_id: str) -> Response:
    """Return one signal, with what changed about it."""
    now = bootstrap.clock().now()
    account = caller(endpoints.routes.current_request.context)
    try:
        names = signal_names(signal_id)
    except InvalidValueError as e:
        raise not_found(f"signal {signal_id[:120]!r}") from e
    asked = Request(
        key=key_of({"signal": signal_id, "delay_class": str(account.tier)}),
        names=names,
        visible_at=now - account.tier.delay,
        now=now,
    )

    def read() -> Reading:
        signal = one(signal_id, account, signals=bootstrap.signal_repository(), now=now)
        return read_signal(signal, bootstrap.price_history().of_signal(signal_id), now)

    return answered(priced_signal(bootstrap.answer_cache().answer(asked, read), bootstrap.current_prices(), now))
