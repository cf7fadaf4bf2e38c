"""`/signals/api/account`: the caller's own account, its keys and tokens."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.account_answers import AccountDocument, ConnectionToken, KeysAnswer, NewKeyDocument, Told
from signalbox.api.account_inputs import KeyRequest
from signalbox.api.endpoint import Endpoints
from signalbox.api.policies import identity
from signalbox.api.problems import ProblemError, not_found
from signalbox.domain.accounts.account import Account, ApiKey, Scope
from signalbox.domain.errors import LimitReachedError
from signalbox.domain.instants import to_iso
from signalbox.services.accounts import (
    NewKey,
    erase,
    find_key,
    make_key,
    revoke_key,
    rotate_key,
    websocket_token,
)

PRIVATE: dict[str, str | list[str]] = {"Cache-Control": "no-store"}

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/account", AccountDocument, scope=Scope.MANAGE, refusals=(HTTPStatus.NOT_FOUND,))
def show(account: Account) -> Response:
    """Return the account, what its tier gives, and how much of the day's quota is used."""
    account = _stored(account)
    terms = account.tier.terms
    now = bootstrap.wall_clock().now()
    shown = {
        "account_id": account.account_id,
        "email": account.email,
        "mail_off": account.mail_off,
        "tier": str(account.tier),
        "terms": {
            "delay_seconds": int(terms.delay.total_seconds()),
            "requests_per_hour": terms.requests_per_hour,
            "requests_per_day": terms.requests_per_day,
            "channels": sorted(terms.channels),
            "subscriptions": terms.subscriptions,
            "alerts": terms.alerts,
            "keys": terms.keys,
        },
        "requests_today": bootstrap.quota_repository().used_today(account.account_id, now),
    }
    return Response(shown, headers=PRIVATE)


@endpoints.add(
    "DELETE",
    "/signals/api/account",
    status=HTTPStatus.NO_CONTENT,
    others={HTTPStatus.ACCEPTED: Told},
    scope=Scope.MANAGE,
    refusals=(HTTPStatus.NOT_FOUND,),
)
def remove(account: Account) -> Response:
    """Erase everything personal. 204 when all is gone; 202 when there is so much that the caller must ask again."""
    done = erase(
        _stored(account),
        accounts=bootstrap.account_repository(),
        subscriptions=bootstrap.subscription_repository(),
        deliveries=bootstrap.delivery_repository(),
        alerts=bootstrap.alert_repository(),
        topics=bootstrap.topic_writer(),
        connections=bootstrap.connection_repository(),
        devices=bootstrap.device_repository(),
        platform=bootstrap.push_platform(),
    )
    if done:
        return Response("", status_code=HTTPStatus.NO_CONTENT)
    return Response({"detail": "much was erased, some is left: ask again"}, status_code=HTTPStatus.ACCEPTED)


@endpoints.add("GET", "/signals/api/account/keys", KeysAnswer, scope=Scope.MANAGE)
def list_keys(account: Account) -> Response:
    """Return the good keys of the account, without their texts."""
    now = bootstrap.wall_clock().now()
    keys = bootstrap.account_repository().keys_of(account.account_id)
    return Response({"keys": [_shown(key) for key in keys if key.is_good(now)]}, headers=PRIVATE)


@endpoints.add(
    "POST",
    "/signals/api/account/keys",
    NewKeyDocument,
    status=HTTPStatus.CREATED,
    body=KeyRequest,
    scope=Scope.MANAGE,
    refusals=(HTTPStatus.CONFLICT,),
    example={"scopes": ["read"], "label": "my notebook", "expires_in_days": 90},
)
def add_key(account: Account, body: KeyRequest) -> Response:
    """Make a key and show its text, this once. It can do no more than the key or session that makes it."""
    if beyond := body.scopes - identity(endpoints.routes.current_request.context).scopes:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, f"a key cannot give the scopes {', '.join(sorted(beyond))}: it lacks them"
        )
    now = bootstrap.wall_clock().now()
    life = body.expires_in_days and timedelta(days=body.expires_in_days)
    try:
        made = make_key(
            account,
            scopes=body.scopes,
            label=body.label,
            expires_at=now + life if life else None,
            accounts=bootstrap.account_repository(),
            now=now,
        )
    except LimitReachedError as e:
        raise ProblemError(HTTPStatus.CONFLICT, str(e)) from e
    return _created(made)


@endpoints.add("DELETE", "/signals/api/account/keys/{prefix}", status=HTTPStatus.NO_CONTENT, scope=Scope.MANAGE)
def end_key(account: Account, prefix: str) -> Response:
    """Revoke a key. Workers that know it forget it within 60 s; its WebSocket connections are told no more at once."""
    revoke_key(
        _own(account, prefix), accounts=bootstrap.account_repository(), connections=bootstrap.connection_repository()
    )
    return Response("", status_code=HTTPStatus.NO_CONTENT)


@endpoints.add(
    "POST",
    "/signals/api/account/keys/{prefix}/rotate",
    NewKeyDocument,
    status=HTTPStatus.CREATED,
    scope=Scope.MANAGE,
    refusals=(HTTPStatus.CONFLICT,),
)
def replace_key(account: Account, prefix: str) -> Response:
    """Make the successor of a key and show its text, this once; the old key stays good for 24 hours at most."""
    accounts, now = bootstrap.account_repository(), bootstrap.wall_clock().now()
    key = _own(account, prefix)
    if not key.is_good(now):
        raise not_found("such key")
    if key.scopes - identity(endpoints.routes.current_request.context).scopes:
        raise ProblemError(HTTPStatus.FORBIDDEN, "a key cannot rotate one that has more scopes than itself")
    try:
        return _created(rotate_key(account, key, accounts=accounts, now=now))
    except LimitReachedError as e:
        raise ProblemError(HTTPStatus.CONFLICT, str(e)) from e


@endpoints.add("POST", "/signals/api/account/tokens", ConnectionToken, status=HTTPStatus.CREATED, scope=Scope.READ)
def add_token(account: Account) -> Response:
    """Return a token that opens one WebSocket connection within a minute."""
    asking = identity(endpoints.routes.current_request.context)
    text, expires_at = websocket_token(
        account,
        asking.scopes,
        key_hash=asking.key_hash,
        secret=bootstrap.token_secret(),
        now=bootstrap.wall_clock().now(),
    )
    shown = {"token": text, "audience": "websocket", "expires_at": to_iso(expires_at)}
    return Response(shown, status_code=HTTPStatus.CREATED, headers=PRIVATE)


def _stored(account: Account) -> Account:
    """Return the account as stored; one that was erased a moment ago is not found."""
    stored = bootstrap.account_repository().account(account.account_id)
    if stored is None:
        raise not_found("such account")
    return stored


def _own(account: Account, prefix: str) -> ApiKey:
    """Return the caller's key; one of somebody else looks like one that is not there."""
    key = find_key(account.account_id, prefix, accounts=bootstrap.account_repository())
    if key is None:
        raise not_found("such key")
    return key


def _created(made: NewKey) -> Response:
    return Response({"key": made.text, **_shown(made.key)}, status_code=HTTPStatus.CREATED, headers=PRIVATE)


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "created_at": to_iso(key.created_at) if key.created_at else None,
        "expires_at": to_iso(key.expires_at) if key.expires_at else None,
    }
