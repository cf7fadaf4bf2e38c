"""Signing in by a mailed one-time link, and confirming an address by one."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from signalbox.domain.accounts.account import ALL_SCOPES, Account, Tier
from signalbox.domain.accounts.tokens import (
    MAILED_LIFE,
    SESSION_LIFE,
    Audience,
    OneTimeToken,
    Purpose,
    SignedToken,
    hash_text,
    sign,
)
from signalbox.domain.delivery.delivery import Subscription
from signalbox.domain.delivery.letters import confirmation_letter, sign_in_letter
from signalbox.ports.access import OneTimeTokenRepository, QuotaRepository
from signalbox.ports.delivery import AccountRepository, ChannelSender, SubscriptionRepository
from signalbox.services.accounts import Randomness

MAILS_PER_HOUR = 3
"""How many such mails one address gets in an hour: nobody can fill a stranger's mailbox with ours."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """What it takes to mail a one-time link. `page_url` is where pages live, or empty; `api_url` where the API is."""

    tokens: OneTimeTokenRepository
    quotas: QuotaRepository
    sender: ChannelSender
    page_url: str
    api_url: str
    randomness: Randomness = secrets.token_urlsafe


def ask_to_sign_in(email: str, *, letterbox: Letterbox, now: datetime) -> bool:
    """Mail a one-time link to `email`, whether it has an account or not; return False if it had enough mail."""
    text = letterbox.randomness(32)
    proof = OneTimeToken(
        token_hash=hash_text(text),
        purpose=Purpose.SIGN_IN,
        account_id="",
        subject=email,
        expires_at=now + MAILED_LIFE,
    )
    if not _keep(proof, email, letterbox, now):
        return False
    letterbox.sender.send(sign_in_letter(text, letterbox.page_url, letterbox.api_url), email, hash_text(text)[:32])
    return True


def sign_in(
    text: str,
    *,
    tokens: OneTimeTokenRepository,
    accounts: AccountRepository,
    secret: bytes,
    now: datetime,
    randomness: Randomness = secrets.token_urlsafe,
) -> tuple[str, datetime, Account] | None:
    """Take a mailed token; return a session token, when it is over, and the account, made now at a first sign-in.

    None if the token is not good, any more or at all.
    """
    taken = tokens.take(hash_text(text), Purpose.SIGN_IN, now)
    if taken is None:
        return None
    account_id = accounts.claim_email(taken.subject, f"acc_{randomness(12)}")
    account = accounts.account(account_id)
    if account is None:
        account = Account(account_id, Tier.FREE, taken.subject)
        accounts.put_account(account)
    if account.mail_off:  # whoever read the link gets mail there
        accounts.switch_mail(account_id, off=False)
    session = SignedToken(
        audience=Audience.SESSION,
        account_id=account_id,
        token_id=randomness(12),
        expires_at=now + SESSION_LIFE,
        scopes=ALL_SCOPES,
    )
    return sign(session, secret), session.expires_at, account


def ask_to_confirm(subscription: Subscription, *, letterbox: Letterbox, now: datetime) -> bool:
    """Mail a one-time link that confirms a subscription's address; return False if the address had enough mail."""
    email = subscription.email or ""
    text = letterbox.randomness(32)
    proof = OneTimeToken(
        token_hash=hash_text(text),
        purpose=Purpose.CONFIRM_EMAIL,
        account_id=subscription.account_id,
        subject=f"{subscription.subscription_id} {email}",
        expires_at=now + MAILED_LIFE,
    )
    if not _keep(proof, email, letterbox, now):
        return False
    letter = confirmation_letter(text, letterbox.page_url, letterbox.api_url)
    letterbox.sender.send(letter, email, hash_text(text)[:32])
    return True


def confirm_email(
    text: str,
    *,
    tokens: OneTimeTokenRepository,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    now: datetime,
) -> Subscription | None:
    """Take a mailed token and let its subscription use its address, and its account, where that is the account's own.

    None if the token is not good, or if the subscription has gone or has another address by now.
    """
    taken = tokens.take(hash_text(text), Purpose.CONFIRM_EMAIL, now)
    if taken is None:
        return None
    subscription_id, _, email = taken.subject.partition(" ")
    subscription = subscriptions.one(taken.account_id, subscription_id)
    if subscription is None or subscription.email != email:
        return None
    confirmed = replace(subscription, confirmed=True)
    subscriptions.put(confirmed)
    account = accounts.account(taken.account_id)
    if account is not None and account.mail_off and account.email == email:
        accounts.switch_mail(account.account_id, off=False)
    return confirmed


def _keep(proof: OneTimeToken, email: str, letterbox: Letterbox, now: datetime) -> bool:
    """Store a token that is about to be mailed to `email`; return False if the address had enough mail."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    holder = f"mail#{hash_text(email)}#{hour.isoformat()}"
    if not letterbox.quotas.take_slot(holder, proof.token_hash, limit=MAILS_PER_HOUR, until=hour + _HOUR):
        return False
    letterbox.tokens.add(proof)
    return True
