"""`/signals/api/subscriptions`: what a caller wants to be told; and `/signals/api/unsubscribe`, which needs no key."""

import secrets
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.account_answers import ConfirmedAnswer, SubscriptionDocument, SubscriptionsAnswer, Told
from signalbox.api.account_inputs import SubscriptionRequest, TokenRequest
from signalbox.api.endpoint import Endpoints
from signalbox.api.letterbox import letterbox
from signalbox.api.problems import ProblemError, not_found
from signalbox.domain.accounts.account import Account, Scope
from signalbox.domain.delivery.delivery import Subscription
from signalbox.domain.delivery.timing import QuietHours
from signalbox.domain.errors import InvalidValueError, LimitReachedError
from signalbox.services.sign_in import confirm_email
from signalbox.services.subscriptions import change, subscribe, unfollow, unsubscribe

EXAMPLE = {"channels": ["email"], "symbols": ["BTC/USDT"], "minimum_quality": 70.0, "digest": "daily"}
ASK_AGAIN = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<meta name="viewport" content="width=device-width"><title>Unsubscribe</title></head>'
    '<body style="font-family:system-ui,sans-serif;max-width:36rem;margin:0 auto;padding:16px">'
    '<form method="post"><p>Send no more of these mails?</p><button>Unsubscribe</button></form></body></html>'
)
"""What a person sees who opens the link: scanners open links too, so opening alone changes nothing."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/subscriptions", SubscriptionsAnswer, scope=Scope.SUBSCRIBE)
def list_all(account: Account) -> dict[str, Any]:
    """Return the caller's subscriptions."""
    found = bootstrap.subscription_repository().of_account(account.account_id)
    return {"subscriptions": [represent_subscription(each) for each in found]}


@endpoints.add(
    "POST",
    "/signals/api/subscriptions",
    SubscriptionDocument,
    status=HTTPStatus.CREATED,
    body=SubscriptionRequest,
    scope=Scope.SUBSCRIBE,
    refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    example=EXAMPLE,
)
def add(account: Account, body: SubscriptionRequest) -> Response:
    """Make a subscription. An address that is not the account's own gets a mail first, and nothing until it agrees."""
    account = _stored(account)
    wanted = _subscription(f"sub_{secrets.token_urlsafe(12)}", body, account)
    try:
        stored = subscribe(
            wanted,
            account,
            accounts=bootstrap.account_repository(),
            subscriptions=bootstrap.subscription_repository(),
            letterbox=letterbox(endpoints.routes.current_request.context),
            now=bootstrap.wall_clock().now(),
        )
    except LimitReachedError as e:
        raise ProblemError(HTTPStatus.CONFLICT, str(e)) from e
    except InvalidValueError as e:
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(e)) from e
    return Response(represent_subscription(stored), status_code=HTTPStatus.CREATED)


@endpoints.add("GET", "/signals/api/subscriptions/{subscription_id}", SubscriptionDocument, scope=Scope.SUBSCRIBE)
def show(account: Account, subscription_id: str) -> dict[str, Any]:
    """Return one of the caller's subscriptions."""
    found = bootstrap.subscription_repository().one(account.account_id, subscription_id[:100] or "-")
    if found is None:
        raise not_found("such subscription")
    return represent_subscription(found)


@endpoints.add(
    "PUT",
    "/signals/api/subscriptions/{subscription_id}",
    SubscriptionDocument,
    body=SubscriptionRequest,
    scope=Scope.SUBSCRIBE,
    example=EXAMPLE,
)
def replace_one(account: Account, subscription_id: str, body: SubscriptionRequest) -> dict[str, Any]:
    """Replace one of the caller's subscriptions."""
    account = _stored(account)
    try:
        stored = change(
            _subscription(subscription_id[:100] or "-", body, account),
            account,
            subscriptions=bootstrap.subscription_repository(),
            letterbox=letterbox(endpoints.routes.current_request.context),
            now=bootstrap.wall_clock().now(),
        )
    except InvalidValueError as e:
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(e)) from e
    if stored is None:
        raise not_found("such subscription")
    return represent_subscription(stored)


@endpoints.add(
    "DELETE",
    "/signals/api/subscriptions/{subscription_id}",
    status=HTTPStatus.NO_CONTENT,
    scope=Scope.SUBSCRIBE,
)
def remove(account: Account, subscription_id: str) -> Response:
    """Remove one of the caller's subscriptions."""
    removed = unfollow(
        account.account_id,
        subscription_id[:100] or "-",
        accounts=bootstrap.account_repository(),
        subscriptions=bootstrap.subscription_repository(),
    )
    if not removed:
        raise not_found("such subscription")
    return Response("", status_code=HTTPStatus.NO_CONTENT)


@endpoints.add(
    "POST",
    "/signals/api/subscriptions/confirm",
    ConfirmedAnswer,
    body=TokenRequest,
    example={"token": "3q2vJk8ZrT0yXwLmN5cB7aQe"},
)
def confirm(body: TokenRequest) -> dict[str, Any]:
    """Take the token that was mailed to a subscription's address: from now on it gets its mail there."""
    confirmed = confirm_email(
        body.token,
        tokens=bootstrap.one_time_token_repository(),
        accounts=bootstrap.account_repository(),
        subscriptions=bootstrap.subscription_repository(),
        now=bootstrap.wall_clock().now(),
    )
    if confirmed is None:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the link was used before, is too old, or was never sent")
    return {"subscription_id": confirmed.subscription_id, "confirmed": True}


@endpoints.add("POST", "/signals/api/unsubscribe/{token}", Told)
def unsubscribe_by_click(token: str) -> dict[str, str]:
    """End the mail that carried this link (RFC 8058): no key, no question, twice is as once."""
    try:
        unsubscribe(
            token,
            subscriptions=bootstrap.subscription_repository(),
            alerts=bootstrap.alert_repository(),
            secret=bootstrap.token_secret(),
            now=bootstrap.wall_clock().now(),
        )
    except InvalidValueError as e:
        raise not_found("such link") from e
    return {"detail": "you will get no more of these mails"}


@endpoints.add("GET", "/signals/api/unsubscribe/{token}", {"text/html": str})
def ask_before_unsubscribing(token: str) -> Response:  # noqa: ARG001 - the form posts to the address it came from
    """Ask a person who opened the link."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(ASK_AGAIN, headers=headers)


def represent_subscription(subscription: Subscription) -> dict[str, Any]:
    """Return the JSON document of a subscription."""
    quiet = subscription.quiet
    return {
        "subscription_id": subscription.subscription_id,
        "name": subscription.name,
        "symbols": sorted(subscription.symbols),
        "signal_types": sorted(subscription.signal_types),
        "strategies": sorted(subscription.strategies),
        "timeframes": sorted(subscription.timeframes),
        "minimum_quality": subscription.minimum_quality,
        "minimum_confidence": subscription.minimum_confidence,
        "endings": subscription.endings,
        "channels": sorted(subscription.channels),
        "email": subscription.email,
        "confirmed": subscription.confirmed,
        "digest": subscription.digest,
        "time_zone": subscription.time_zone,
        "quiet": quiet and {"start": quiet.start.isoformat("minutes"), "end": quiet.end.isoformat("minutes")},
        "daily_budget": subscription.daily_budget,
    }


def _subscription(subscription_id: str, asked: SubscriptionRequest, account: Account) -> Subscription:
    return Subscription(
        subscription_id=subscription_id,
        account_id=account.account_id,
        tier=account.tier,
        name=asked.name,
        symbols=asked.symbols,
        signal_types=frozenset(map(str, asked.signal_types)),
        strategies=asked.strategies,
        timeframes=frozenset(map(str, asked.timeframes)),
        minimum_quality=asked.minimum_quality,
        minimum_confidence=asked.minimum_confidence,
        endings=asked.endings,
        channels=asked.channels,
        email=asked.email,
        digest=asked.digest,
        time_zone=asked.time_zone,
        quiet=QuietHours(asked.quiet.start, asked.quiet.end) if asked.quiet else None,
        daily_budget=asked.daily_budget,
    )


def _stored(account: Account) -> Account:
    """Return the account as stored, with its address; one that was erased a moment ago is not found."""
    stored = bootstrap.account_repository().account(account.account_id)
    if stored is None:
        raise not_found("such account")
    return stored
