"""Subscriptions as their owners handle them: made within the tier's limits, mailed to confirmed addresses only."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from signalbox.domain.accounts.account import Account
from signalbox.domain.accounts.room import Limited
from signalbox.domain.accounts.tokens import UNSUBSCRIBE_LIFE, Audience, SignedToken, hash_text, read, sign
from signalbox.domain.delivery.delivery import Channel, Delivery, Subscription
from signalbox.domain.errors import InvalidValueError, LimitReachedError, RecipientRejectedError
from signalbox.ports.alerts import AlertRepository
from signalbox.ports.delivery import AccountRepository, SubscriptionRepository
from signalbox.services.manage_alerts import stop_mail
from signalbox.services.room import give_back, take_place
from signalbox.services.sign_in import Letterbox, ask_to_confirm

ALL_MAIL = "*"
"""What an unsubscribe token of a digest is for: all e-mail of the account."""


def subscribe(
    wanted: Subscription,
    account: Account,
    *,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    letterbox: Letterbox,
    now: datetime,
) -> Subscription:
    """Store a new subscription of `account`, and mail a link if its address must be confirmed.

    Raises LimitReachedError if the tier gives no more, also if others asked for the last one at the same moment, and
    InvalidValueError if `wanted` is beyond the tier.
    """
    limit = account.tier.terms.subscriptions
    owned = _owned(wanted, account, None)
    _require_within_tier(owned)

    def there() -> list[str]:
        return [each.subscription_id for each in subscriptions.of_account(account.account_id)]

    name = owned.subscription_id
    if not take_place(
        account.account_id, Limited.SUBSCRIPTIONS, name, most=limit, there=there, accounts=accounts, now=now
    ):
        raise LimitReachedError(f"tier {account.tier} has at most {limit} subscriptions; remove one first")
    return _store(owned, subscriptions, letterbox, now)


def unfollow(
    account_id: str, subscription_id: str, *, accounts: AccountRepository, subscriptions: SubscriptionRepository
) -> bool:
    """Remove a subscription of an account; return False if it has none of this id."""
    removed = subscriptions.remove(account_id, subscription_id)
    give_back(account_id, Limited.SUBSCRIPTIONS, subscription_id, accounts=accounts)
    return removed


def change(
    wanted: Subscription,
    account: Account,
    *,
    subscriptions: SubscriptionRepository,
    letterbox: Letterbox,
    now: datetime,
) -> Subscription | None:
    """Replace a subscription of `account`; None if it has none of this id. An address stays confirmed while it stays.

    Raises InvalidValueError if `wanted` is beyond the tier.
    """
    before = subscriptions.one(account.account_id, wanted.subscription_id)
    if before is None:
        return None
    return _store(_owned(wanted, account, before), subscriptions, letterbox, now)


def unsubscribe_token(account_id: str, subject: str, *, secret: bytes, now: datetime) -> str:
    """Return the token of a mail's unsubscribe link; `subject` is a subscription's id, or `ALL_MAIL`."""
    token = SignedToken(
        audience=Audience.UNSUBSCRIBE,
        account_id=account_id,
        token_id=hash_text(f"{account_id} {subject}")[:12],
        expires_at=now + UNSUBSCRIBE_LIFE,
        subject=subject,
    )
    return sign(token, secret)


def unsubscribe_link(
    delivery: Delivery, subject: str | None, *, api_url: str, secret: bytes, now: datetime
) -> str | None:
    """Return where a mail's reader ends such mail: of `subject`, or of what was delivered. None but for e-mail."""
    if delivery.channel is not Channel.EMAIL:
        return None
    about = subject or delivery.subscription_id or ALL_MAIL
    token = unsubscribe_token(delivery.account_id, about, secret=secret, now=now)
    return f"{api_url}/signals/api/unsubscribe/{token}"


def unsubscribe(
    text: str, *, subscriptions: SubscriptionRepository, alerts: AlertRepository, secret: bytes, now: datetime
) -> None:
    """Send no more e-mail for what the token names: a subscription, an alert, or everything. What has no other channel
    goes. Twice is as once.

    Raises InvalidValueError if the token is not good.
    """
    token = read(text, secret, audience=Audience.UNSUBSCRIBE, now=now)
    for subscription in subscriptions.of_account(token.account_id):
        if token.subject in (ALL_MAIL, subscription.subscription_id) and Channel.EMAIL in subscription.channels:
            channels = subscription.channels - {Channel.EMAIL}
            if channels:
                subscriptions.put(replace(subscription, channels=channels, email=None, confirmed=False))
            else:
                subscriptions.remove(token.account_id, subscription.subscription_id)
    stop_mail(token.account_id, alerts=alerts, alert_id=None if token.subject == ALL_MAIL else token.subject)


def _owned(wanted: Subscription, account: Account, before: Subscription | None) -> Subscription:
    """Return `wanted` as the account's: of its tier, and confirmed if its address answered for itself before."""
    email = (wanted.email or account.email) if Channel.EMAIL in wanted.channels else None
    known = {account.mail_address, before.email if before and before.confirmed else None}
    return replace(
        wanted, account_id=account.account_id, tier=account.tier, email=email, confirmed=email is None or email in known
    )


def _store(
    wanted: Subscription, subscriptions: SubscriptionRepository, letterbox: Letterbox, now: datetime
) -> Subscription:
    _require_within_tier(wanted)
    subscriptions.put(wanted)
    if not wanted.confirmed:
        # An address that cannot get mail stays unconfirmed, as the answer says; replacing the subscription asks again.
        with suppress(RecipientRejectedError):
            ask_to_confirm(wanted, letterbox=letterbox, now=now)
    return wanted


def _require_within_tier(wanted: Subscription) -> None:
    terms = wanted.tier.terms
    if beyond := wanted.channels - terms.channels:
        raise InvalidValueError(f"channels must be among those of tier {wanted.tier}, had {', '.join(sorted(beyond))}")
    if len(wanted.symbols) > terms.symbols:
        raise InvalidValueError(
            f"symbols must be at most {terms.symbols} in tier {wanted.tier}, were {len(wanted.symbols)}"
        )
    if Channel.EMAIL in wanted.channels and wanted.email is None:
        raise InvalidValueError("email must be given for the channel email, as the account has no address")
