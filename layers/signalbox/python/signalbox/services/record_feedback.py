"""Take in what SES tells of mails after it took them: they arrived, or their addresses must not be mailed again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from signalbox.domain.accounts.channel import Channel
from signalbox.domain.delivery.delivery import Delivery, DeliveryState
from signalbox.domain.delivery.feedback import Feedback, Verdict
from signalbox.domain.delivery.message import Envelope, Message
from signalbox.domain.delivery.topics import deliveries_topic
from signalbox.domain.errors import TransientError
from signalbox.ports.delivery import AccountRepository, SubscriptionRepository
from signalbox.ports.topics import BatchSender, SentDeliveries

RECORDED_WITHIN = timedelta(minutes=2)
"""How long after SES took a mail the worker that sent it may not have recorded so yet."""
_STATES = {
    Verdict.DELIVERED: DeliveryState.DELIVERED,
    Verdict.BOUNCE: DeliveryState.FAILED,
    Verdict.SOFT_BOUNCE: DeliveryState.FAILED,
    Verdict.REJECTED: DeliveryState.FAILED,
}
"""A mail that was called spam did arrive: a complaint leaves its delivery as it is."""


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What came of it. `unknown` mails are no deliveries: letters, or older than what is kept."""

    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    switched_off: int = 0
    unknown: int = 0


def record_feedback(
    feedback: Feedback,
    *,
    deliveries: SentDeliveries,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    told_by: BatchSender,
    wall_now: datetime,
) -> FeedbackReport:
    """Record what became of a mail; end all mail of its subscriber to an address that bounced or complained, and say so
    by WebSocket (`told_by`).

    Raises
    ------
    TransientError
        If the mail is so new that the worker which sent it may still be recording that: the event must come back.
    """
    found = deliveries.of_service(feedback.service_id)
    if not found:
        if wall_now < feedback.sent_at + RECORDED_WITHIN:
            raise TransientError(f"mail {feedback.service_id} must be recorded first, is not yet")
        return FeedbackReport(unknown=1)
    state = _STATES.get(feedback.verdict)
    if state is not None:
        for delivery in found:
            deliveries.settle(delivery, state, reason=feedback.reason or None)
    off = _switch_off(found, feedback, accounts, subscriptions, told_by) if feedback.ends_mail else 0
    return FeedbackReport(
        delivered=int(feedback.verdict is Verdict.DELIVERED),
        bounced=int(state is DeliveryState.FAILED),
        complained=int(feedback.verdict is Verdict.COMPLAINT),
        switched_off=off,
    )


def _switch_off(
    found: Sequence[Delivery],
    feedback: Feedback,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    told_by: BatchSender,
) -> int:
    """Let the account and its subscriptions mail the address no more; return of how many of them that is news."""
    account_id = found[0].account_id
    addresses = set(feedback.recipients) | {delivery.recipient.lower() for delivery in found}
    stopped = [
        subscription
        for subscription in subscriptions.of_account(account_id)
        if subscription.confirmed and (subscription.email or "").lower() in addresses
    ]
    account = accounts.account(account_id)
    own = account is not None and (account.mail_address or "").lower() in addresses
    if own:
        accounts.switch_mail(account_id, off=True)
    for subscription in stopped:
        subscriptions.put(replace(subscription, confirmed=False))
    if own or stopped:
        told_by.send_all([_notice(account_id, feedback, len(stopped))])
    return own + len(stopped)


def _notice(account_id: str, feedback: Feedback, subscriptions: int) -> Envelope:
    text = f"E-mail was switched off: {feedback.reason}. Confirm an address again to have it back."
    facts = {
        "kind": "channel_off",
        "channel": str(Channel.EMAIL),
        "reason": feedback.reason,
        "subscriptions": subscriptions,
        "detail": text,
    }
    message = Message(subject="E-mail was switched off", text=text, html="", facts=facts)
    return Envelope(message, deliveries_topic(account_id), f"off-{feedback.service_id}")
