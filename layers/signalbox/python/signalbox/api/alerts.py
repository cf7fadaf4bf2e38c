"""`/signals/api/alerts`: what is new of all signals, and what a caller wants to be told of."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.access import require
from signalbox.api.account_answers import AlertDocument, AlertsAnswer
from signalbox.api.alert_inputs import AlertPatch, AlertRequest, AlertsQuery, requested
from signalbox.api.endpoint import Endpoints
from signalbox.api.inputs import validated
from signalbox.api.policies import caller, identity
from signalbox.api.problems import ProblemError, not_found
from signalbox.api.representation import represent
from signalbox.domain.accounts.account import ANONYMOUS, Account, Scope
from signalbox.domain.alerts.alert import Alert, Terms
from signalbox.domain.errors import InvalidValueError, LimitReachedError
from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery
from signalbox.services.manage_alerts import AlertShelf, Watched, change_alert, forget_alert, make_alert
from signalbox.settings import settings

RECENT = timedelta(days=30)
"""How far back the signals of the list reach."""

EXAMPLE = {"kind": "above", "symbol": "BTC/USDT", "price": "42000", "note": "look at the order book first"}

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/alerts", AlertsAnswer, query=AlertsQuery)
def list_alerts(query: AlertsQuery) -> dict[str, Any]:
    """Return what became of the newest signals that the caller may see, and the caller's own alerts; null for a caller
    without a key for them. With `part=own`, such a caller is refused."""
    context = endpoints.routes.current_request.context
    now = bootstrap.clock().now()
    answer: dict[str, Any] = {}
    if query.part != "own":
        answer["signal_alerts"] = _signal_alerts(query, caller(context), now)
    if query.part != "signals":
        answer["alerts"] = _own(context, now, required=query.part == "own")
    return answer


@endpoints.add(
    "POST",
    "/signals/api/alerts",
    AlertDocument,
    status=HTTPStatus.CREATED,
    body=AlertRequest,
    scope=Scope.SUBSCRIBE,
    refusals=(HTTPStatus.CONFLICT,),
    example=EXAMPLE,
)
def add_alert(account: Account, body: AlertRequest) -> Response:
    """Make an alert."""
    now = bootstrap.clock().now()
    alert_id = f"alert_{secrets.token_urlsafe(12)}"

    def store(terms: Terms) -> Alert:
        return make_alert(alert_id, account, terms, shelf=_shelf(), watched=_watched(), now=now)

    made = _in_words_of_http(body, now, store)
    return Response(represent_alert(made, account, now), status_code=HTTPStatus.CREATED)


@endpoints.add("GET", "/signals/api/alerts/{alert_id}", AlertDocument, scope=Scope.SUBSCRIBE)
def show_alert(account: Account, alert_id: str) -> dict[str, Any]:
    """Return one of the caller's alerts."""
    return represent_alert(_stored(account, alert_id), account, bootstrap.clock().now())


@endpoints.add(
    "PUT",
    "/signals/api/alerts/{alert_id}",
    AlertDocument,
    body=AlertRequest,
    scope=Scope.SUBSCRIBE,
    refusals=(HTTPStatus.CONFLICT,),
    example=EXAMPLE,
)
def replace_alert(account: Account, alert_id: str, body: AlertRequest) -> dict[str, Any]:
    """Put one of the caller's alerts under other terms."""
    _stored(account, alert_id)
    return _changed(account, alert_id, body)


@endpoints.add(
    "PATCH",
    "/signals/api/alerts/{alert_id}",
    AlertDocument,
    body=AlertPatch,
    scope=Scope.SUBSCRIBE,
    refusals=(HTTPStatus.CONFLICT,),
    example={"note": "half of it"},
)
def patch_alert(account: Account, alert_id: str, body: AlertPatch) -> dict[str, Any]:
    """Change some of the terms of one of the caller's alerts."""
    known = requested(_stored(account, alert_id))
    return _changed(account, alert_id, validated(AlertRequest, known | (body.model_extra or {})))


@endpoints.add("DELETE", "/signals/api/alerts/{alert_id}", status=HTTPStatus.NO_CONTENT, scope=Scope.SUBSCRIBE)
def remove_alert(account: Account, alert_id: str) -> Response:
    """Forget one of the caller's alerts."""
    removed = forget_alert(
        account.account_id,
        alert_id[:100] or "-",
        alerts=bootstrap.alert_repository(),
        accounts=bootstrap.account_repository(),
    )
    if not removed:
        raise not_found("such alert")
    return Response("", status_code=HTTPStatus.NO_CONTENT)


def represent_alert(alert: Alert, account: Account, now: datetime) -> dict[str, Any]:
    """Return the JSON document of an alert; a firing about a signal that the caller may not see yet is not in it."""
    last = alert.last
    hidden = last is not None and bool(last.held_back(account.tier.delay, now))
    shown = None if hidden else last
    waits = alert.active and now < alert.terms.expires_at
    return {
        "alert_id": alert.alert_id,
        **requested(alert),
        "created_at": to_iso(alert.created_at),
        "waiting": waits or hidden,
        "waits_at": f"{alert.waits_at:f}" if waits and alert.waits_at is not None else None,
        "fired": alert.fired - hidden,
        "last": shown and {"at": to_iso(shown.at), "value": shown.value, "headline": shown.headline},
    }


def _own(context: dict[str, Any], now: datetime, *, required: bool) -> list[dict[str, Any]] | None:
    found = identity(context)
    if not required and (found.account.account_id == ANONYMOUS.account_id or Scope.SUBSCRIBE not in found.scopes):
        return None
    account = require(context, Scope.SUBSCRIBE)
    alerts = bootstrap.alert_repository().of_account(account.account_id)
    newest = sorted(alerts, key=lambda alert: (alert.created_at, alert.alert_id), reverse=True)
    return [represent_alert(alert, account, now) for alert in newest]


def _signal_alerts(query: AlertsQuery, account: Account, now: datetime) -> list[dict[str, Any]]:
    """Return the newest publications and endings of signals that this account may see, newest first."""
    asked = FeedQuery(
        since=now - RECENT,
        until=now + timedelta(days=1),
        visible_at=now - account.tier.delay,
        limit=query.limit,
        where=SignalFilter(symbols=frozenset({query.symbol} if query.symbol else ())),
    )
    news: list[tuple[datetime, str, Signal]] = []
    for signal in bootstrap.signal_repository().feed(asked).signals:
        news.append((signal.published_at, "published", signal))
        if signal.ending is not None:
            news.append((signal.ending.ended_at, "ended", signal))
    newest = sorted(news, key=lambda each: each[0], reverse=True)[: query.limit]
    return [{"event": event, "at": to_iso(at), "signal": represent(signal, now)} for at, event, signal in newest]


def _changed(account: Account, alert_id: str, asked: AlertRequest) -> dict[str, Any]:
    now = bootstrap.clock().now()

    def store(terms: Terms) -> Alert | None:
        return change_alert(alert_id, account, terms, shelf=_shelf(), watched=_watched(), now=now)

    return represent_alert(_in_words_of_http(asked, now, store), account, now)


def _in_words_of_http(asked: AlertRequest, now: datetime, store: Callable[[Terms], Alert | None]) -> Alert:
    """Return what `store` makes of the terms asked for, or raise the ProblemError that says why it does not."""
    try:
        stored = store(asked.terms(now))
    except InvalidValueError as e:
        field, _, detail = str(e).partition(" ")
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(e), [{"field": field, "detail": detail}]) from e
    except LimitReachedError as e:
        raise ProblemError(HTTPStatus.CONFLICT, str(e)) from e
    if stored is None:
        raise not_found("such alert")
    return stored


def _stored(account: Account, alert_id: str) -> Alert:
    found = bootstrap.alert_repository().get(account.account_id, alert_id[:100] or "-")
    if found is None:
        raise not_found("such alert")
    return found


def _shelf() -> AlertShelf:
    return AlertShelf(bootstrap.alert_repository(), bootstrap.account_repository(), bootstrap.wall_clock().now())


def _watched() -> Watched:
    return Watched(bootstrap.universe_repository(), bootstrap.current_prices(), settings().timeframes)
