"""Send several deliveries of one subscriber in one mail: claim each, read its signal again, send, record each."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from signalbox.domain.delivery.delivery import Delivery, DeliveryState
from signalbox.domain.delivery.digest_rendering import Item, render_digest
from signalbox.domain.delivery.message import Envelope, Outcome
from signalbox.domain.delivery.retrying import may_be_sent_again, may_be_tried_again
from signalbox.domain.errors import (
    ChannelUnavailableError,
    RecipientRejectedError,
    RecipientSuppressedError,
    SignalboxError,
    TransientError,
    UnclearOutcomeError,
)
from signalbox.services.compose_message import reason_not_to_send
from signalbox.services.deliver_signals import INTERRUPTED, DeliveryReport, Office, no_link, wait_after
from signalbox.services.delivery_task import Task, digest_message


def deliver_digest(
    items: Sequence[tuple[str, str]], office: Office, unsubscribe_url: Callable[[Delivery], str | None] = no_link
) -> DeliveryReport:
    """Send one mail with those of `items` (signal_id, delivery_id) that were not sent before, in their order.

    `unsubscribe_url` returns the link to end digests by. A service that fails for a while has the digest queued again,
    later each time, up to the limit of its channel; then its deliveries have failed and are dead letters.

    Raises
    ------
    SignalboxError
        If another worker holds one of them, or our own storage or queues fail: the message must come back. Until the
        mail is sent all claims are given back then, so that they do not count as interrupted. One digest is never
        split between two workers.
    """
    claimed: list[Delivery] = []
    try:
        _claim_all(items, claimed, office)
        lost = [each for each in claimed if not may_be_sent_again(each.channel, each.interrupted)]
        _give_up(lost, INTERRUPTED, office)
        shown = _still_to_be_told([each for each in claimed if each not in lost], office)
        envelope = _envelope(shown, office, unsubscribe_url) if shown else None
    except SignalboxError:
        _give_back(claimed, office)
        raise
    report = DeliveryReport(
        suppressed=len(claimed) - len(lost) - len(shown), skipped=len(items) - len(claimed), failed=len(lost)
    )
    if envelope is None:
        return report
    told = [delivery for delivery, _ in shown]
    (outcome,) = office.senders[told[0].channel].send_all([envelope])
    return _record(outcome, told, office, report)


def _claim_all(items: Sequence[tuple[str, str]], claimed: list[Delivery], office: Office) -> None:
    """Claim each of `items`, and add what was to be had to `claimed`, which the caller gives back if this raises."""
    for signal_id, delivery_id in items:
        taken = office.deliveries.claim(signal_id, delivery_id, office.wall_now)
        if taken is not None:
            claimed.append(taken)
            continue
        found = office.deliveries.one(signal_id, delivery_id)
        if found is not None and found.state is DeliveryState.CLAIMED:
            raise TransientError(f"delivery {delivery_id} of a digest is held by another worker")


def _still_to_be_told(claimed: Sequence[Delivery], office: Office) -> list[tuple[Delivery, Item]]:
    """Return what the digest says of each delivery, and suppress those of which there is nothing to say any more."""
    told = []
    for delivery in claimed:
        found = _read_again(delivery, office)
        if isinstance(found, Item):
            told.append((delivery, found))
        else:
            office.deliveries.finish(delivery, DeliveryState.SUPPRESSED, office.wall_now, reason=found)
    return told


def _read_again(delivery: Delivery, office: Office) -> Item | str:
    """Return what the digest says of a delivery, or why it says nothing any more."""
    signal = office.signals.get(delivery.signal_id)
    reason = reason_not_to_send(signal, delivery.kind, office.now)
    return Item(signal, delivery.kind) if signal is not None and reason is None else reason or "gone"


def _envelope(
    shown: Sequence[tuple[Delivery, Item]], office: Office, unsubscribe_url: Callable[[Delivery], str | None]
) -> Envelope:
    first = shown[0][0]
    message = render_digest([item for _, item in shown], office.page_url)
    return Envelope(replace(message, unsubscribe_url=unsubscribe_url(first)), first.recipient, first.delivery_id)


def _record(outcome: Outcome, told: Sequence[Delivery], office: Office, report: DeliveryReport) -> DeliveryReport:
    """Record what became of the mail; return `report` with it."""
    if isinstance(outcome, str):
        _finish(told, DeliveryState.ACCEPTED, office, service_id=outcome)
        return replace(report, accepted=len(told), repeated=sum(each.interrupted > 0 for each in told))
    if isinstance(outcome, RecipientSuppressedError):
        _finish(told, DeliveryState.SUPPRESSED, office, reason=str(outcome))
        return replace(report, suppressed=report.suppressed + len(told))
    if isinstance(outcome, RecipientRejectedError):
        _finish(told, DeliveryState.FAILED, office, reason=str(outcome))
        return replace(report, failed=report.failed + len(told))
    again = _try_later(told, outcome, office)
    return replace(report, retried=len(again), failed=report.failed + len(told) - len(again))


def _try_later(told: Sequence[Delivery], why: ChannelUnavailableError, office: Office) -> list[Delivery]:
    """Queue those that may be tried once more as one digest, then give their claims back; the others have failed.
    Return the first.

    As with single deliveries, where the service may have taken the mail the claims are left to lapse: that counts.
    """
    again = [each for each in told if may_be_tried_again(each.channel, each.attempts)]
    unclear = isinstance(why, UnclearOutcomeError)
    try:
        _give_up([each for each in told if each not in again], str(why), office)
        if again:
            wait = wait_after(why, max(each.attempts for each in again), again[0].delivery_id)
            office.queues[again[0].tier].send([digest_message(again)], delay_seconds=wait)
    except SignalboxError:
        if not unclear:
            _give_back(told, office)
        raise
    if not unclear:
        _finish(again, DeliveryState.QUEUED, office, reason=str(why))
    return again


def _give_up(lost: Sequence[Delivery], why: str, office: Office) -> None:
    """Make each a dead letter, then record that it failed."""
    tasks = [Task(each.signal_id, (each.delivery_id,), each.kind, each.tier) for each in lost]
    if tasks:
        office.dead_letters.send([task.to_message() | {"reason": why} for task in tasks])
    _finish(lost, DeliveryState.FAILED, office, reason=why)


def _give_back(claimed: Sequence[Delivery], office: Office) -> None:
    """Let go of what nothing was sent for; what storage does not let go of now lapses. What is finished stays so."""
    with suppress(SignalboxError):
        _finish(claimed, DeliveryState.QUEUED, office)


def _finish(several: Sequence[Delivery], state: DeliveryState, office: Office, **changes: str) -> None:
    """Record an outcome of each, of the others too where that fails for one; then raise why it failed."""
    failures: list[SignalboxError] = []
    for delivery in several:
        try:
            office.deliveries.finish(delivery, state, office.wall_now, **changes)
        except SignalboxError as e:
            failures.append(e)
    if failures:
        raise failures[0]
