"""An account's devices: registered under its name, told by push, forgotten when they are gone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from signalbox.domain.accounts.account import Account
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.accounts.room import Limited
from signalbox.domain.delivery.devices import MOST_DEVICES, Device, account_of, device_id_of
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.delivery.topics import deliveries_topic
from signalbox.domain.errors import (
    ChannelUnavailableError,
    EndpointGoneError,
    LimitReachedError,
    RecipientSuppressedError,
    TransientError,
)
from signalbox.ports.delivery import AccountRepository
from signalbox.ports.devices import DeviceRepository, PushPlatform
from signalbox.ports.topics import BatchSender
from signalbox.services.room import give_back, take_place

NO_DEVICE = "no device"


def register_device(
    token: str,
    name: str,
    account: Account,
    *,
    accounts: AccountRepository,
    devices: DeviceRepository,
    platform: PushPlatform,
    now: datetime,
) -> Device:
    """Store a device of `account`; one that was another account's is this one's from now on. Twice is as once.

    Raises
    ------
    LimitReachedError
        If the tier has no push, or the account has `MOST_DEVICES`.
    RecipientRejectedError
        If the push service does not take the token.
    """
    if Channel.PUSH not in account.tier.terms.channels:
        raise LimitReachedError(f"tier {account.tier} has no push")
    device_id = device_id_of(token)

    def there() -> list[str]:
        return [each.device_id for each in devices.of_account(account.account_id)]

    if not take_place(
        account.account_id, Limited.DEVICES, device_id, most=MOST_DEVICES, there=there, accounts=accounts, now=now
    ):
        raise LimitReachedError(f"an account has at most {MOST_DEVICES} devices; remove one first")
    device = Device(device_id, account.account_id, platform.endpoint(token), name, now)
    devices.put(device)
    return device


def remove_device(
    account_id: str,
    device_id: str,
    *,
    accounts: AccountRepository,
    devices: DeviceRepository,
    platform: PushPlatform | None,
) -> bool:
    """Remove a device of an account and its endpoint; return False if the account does not have it.

    The endpoint goes first: a call that dies half way is repeated. Without a platform there is none to remove.
    """
    found = next((each for each in devices.of_account(account_id) if each.device_id == device_id), None)
    if found is None:
        return False
    if platform is not None:
        platform.remove(found.endpoint)
    removed = devices.remove(account_id, device_id)
    give_back(account_id, Limited.DEVICES, device_id, accounts=accounts)
    return removed


@dataclass(slots=True)
class DeviceSender:
    """Implements `ports.BatchSender`: a recipient may be an account, whose devices are all told, or what `push` takes.

    One delivery is for a person: it was taken if any of their devices took it. A device that is gone is forgotten, and
    its owner told so by WebSocket (`told_by`).
    """

    push: BatchSender
    devices: DeviceRepository
    platform: PushPlatform | None
    told_by: BatchSender
    forgotten: list[Device] = field(default_factory=list)

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send every envelope and return what became of each, in order."""
        outcomes: dict[int, list[Outcome]] = {}
        wanted: list[tuple[int, Device | None, Envelope]] = []
        for place, envelope in enumerate(envelopes):
            try:
                targets = self._targets(envelope.recipient)
            except TransientError as e:
                outcomes[place] = [ChannelUnavailableError(f"{envelope.recipient} could not be read: {e}")]
                continue
            wanted += [
                (place, device, replace(envelope, recipient=device.endpoint) if device else envelope)
                for device in targets
            ]
        sent = self.push.send_all([envelope for _, _, envelope in wanted])
        for (place, device, _), outcome in zip(wanted, sent, strict=True):
            outcomes.setdefault(place, []).append(outcome)
            if device is not None and isinstance(outcome, EndpointGoneError):
                self._forget(device, outcome)
        return [_best(outcomes.get(place, [])) for place in range(len(envelopes))]

    def _targets(self, recipient: str) -> Sequence[Device | None]:
        """Return the devices that a recipient stands for, or None for a recipient that stands for itself."""
        account_id = account_of(recipient)
        return [None] if account_id is None else self.devices.of_account(account_id)

    def _forget(self, device: Device, why: EndpointGoneError) -> None:
        """Remove a device that is gone; what fails here is found again by the next message to it."""
        if device in self.forgotten:
            return
        try:
            if self.platform is not None:
                self.platform.remove(device.endpoint)
            self.devices.remove(device.account_id, device.device_id)
        except TransientError:
            return
        self.forgotten.append(device)
        self.told_by.send_all([_notice(device, why)])


def _best(several: Sequence[Outcome]) -> Outcome:
    """Return what became of a delivery to several devices: taken by any, else to be tried again, else rejected."""
    if not several:
        return RecipientSuppressedError(NO_DEVICE)
    taken = next((each for each in several if isinstance(each, str)), None)
    later = next((each for each in several if isinstance(each, ChannelUnavailableError)), None)
    return taken or later or several[0]


def _notice(device: Device, why: EndpointGoneError) -> Envelope:
    text = "A device takes no more push messages and was removed. Register it again to have them back."
    facts = {
        "kind": "channel_off",
        "channel": str(Channel.PUSH),
        "device_id": device.device_id,
        "name": device.name,
        "reason": str(why),
        "detail": text,
    }
    message = Message(subject="A device was removed", text=text, html="", facts=facts)
    # The same device may be registered again and go again: each time is told.
    again = f"off-{device.device_id}-{int(device.created_at.timestamp())}"
    return Envelope(message, deliveries_topic(device.account_id), again)
