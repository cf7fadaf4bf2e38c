"""`/signals/api/sign-in`: a mailed one-time link instead of a password."""

from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.access import source_network, too_many
from signalbox.api.account_answers import SessionDocument, Told
from signalbox.api.account_inputs import SignInRequest, TokenRequest
from signalbox.api.endpoint import Endpoints
from signalbox.api.letterbox import letterbox
from signalbox.api.problems import ProblemError
from signalbox.domain.errors import RecipientRejectedError
from signalbox.domain.instants import to_iso
from signalbox.services.sign_in import ask_to_sign_in, sign_in

ASKED_PER_HOUR = 20
"""How many sign-ins one network may ask for in an hour."""
_HOUR = timedelta(hours=1)

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add(
    "POST",
    "/signals/api/sign-in",
    Told,
    status=HTTPStatus.ACCEPTED,
    body=SignInRequest,
    example={"email": "ada@example.com"},
)
def ask(body: SignInRequest) -> Response:
    """Mail a one-time link. The answer is the same whatever the address: it says nothing about who has an account."""
    now = bootstrap.wall_clock().now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    source = source_network(endpoints.routes.current_request.context)
    if source is not None:
        again = bootstrap.quota_repository().count(
            f"sign-in#{source}", per_hour=ASKED_PER_HOUR, per_day=10 * ASKED_PER_HOUR, now=now
        )
        if again is not None:
            raise too_many(f"{ASKED_PER_HOUR} sign-ins an hour may be asked for from one place", hour + _HOUR, now)
    # An address that cannot get mail looks like one that can.
    with suppress(RecipientRejectedError):
        ask_to_sign_in(body.email, letterbox=letterbox(endpoints.routes.current_request.context), now=now)
    return Response({"detail": "if this address can get mail, a link is on its way"}, status_code=HTTPStatus.ACCEPTED)


@endpoints.add(
    "POST",
    "/signals/api/sign-in/confirm",
    SessionDocument,
    body=TokenRequest,
    example={"token": "3q2vJk8ZrT0yXwLmN5cB7aQe"},
)
def confirm(body: TokenRequest) -> Response:
    """Take the token of a mailed link, once, and return a session; a first sign-in makes the account."""
    found = sign_in(
        body.token,
        tokens=bootstrap.one_time_token_repository(),
        accounts=bootstrap.account_repository(),
        secret=bootstrap.token_secret(),
        now=bootstrap.wall_clock().now(),
    )
    if found is None:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the link was used before, is too old, or was never sent")
    session, expires_at, account = found
    shown = {
        "token": session,
        "expires_at": to_iso(expires_at),
        "account_id": account.account_id,
        "tier": str(account.tier),
    }
    return Response(shown, headers={"Cache-Control": "no-store"})
