"""Devices of an account, and what becomes of push messages to them."""

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.devices import MOST_DEVICES, Device
from signalbox.domain.delivery.message import Envelope, Outcome
from signalbox.domain.errors import (
    ChannelUnavailableError,
    EndpointGoneError,
    LimitReachedError,
    RecipientRejectedError,
    RecipientSuppressedError,
    StorageUnavailableError,
)
from signalbox.services.devices import DeviceSender, register_device, remove_device
from tests.builders import NOW, make_account, make_message
from tests.fakes.delivery import InMemoryAccounts
from tests.fakes.devices import FakePlatform, InMemoryDevices
from tests.fakes.topics import RecordingBatchSender

ADA, EVE = make_account(), make_account(account_id="acc-2")
GONE = EndpointGoneError("disabled")
LATER = ChannelUnavailableError("throttled")


class House:
    """Accounts with devices, and what pushes to them: `outcomes` are what the push service answers in turn."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.accounts, self.devices, self.platform = InMemoryAccounts(), InMemoryDevices(), FakePlatform()
        self.push, self.notices = RecordingBatchSender(list(outcomes)), RecordingBatchSender()
        self.sender = DeviceSender(self.push, self.devices, self.platform, self.notices)

    def register(self, token: str, account=ADA) -> Device:
        kept = {"accounts": self.accounts, "devices": self.devices, "platform": self.platform, "now": NOW}
        return register_device(token, "my phone", account, **kept)

    def send(self, *recipients: str) -> list[Outcome]:
        return self.sender.send_all([Envelope(make_message(), each, f"d{n}") for n, each in enumerate(recipients)])


def test_a_device_registered_twice_is_one_device() -> None:
    house = House()
    assert house.register("token-1").device_id == house.register("token-1").device_id
    assert len(house.devices.of_account("acc-1")) == 1


def test_a_device_that_changes_hands_is_told_nothing_of_its_former_owner() -> None:
    house = House()
    house.register("token-1")
    house.register("token-1", EVE)
    (outcome,) = house.send("devices:acc-1")
    assert isinstance(outcome, RecipientSuppressedError)
    assert house.send("devices:acc-2") == ["service-1"]


def test_an_account_has_so_many_devices_and_one_that_is_removed_makes_room() -> None:
    house = House()
    devices = [house.register(f"token-{number}") for number in range(MOST_DEVICES)]
    with pytest.raises(LimitReachedError, match="at most 10 devices"):
        house.register("one more")
    kept = {"accounts": house.accounts, "devices": house.devices, "platform": house.platform}
    assert remove_device("acc-1", devices[0].device_id, **kept)
    assert not remove_device("acc-1", devices[0].device_id, **kept)
    assert not remove_device("acc-2", devices[1].device_id, **kept)
    assert "endpoint/token-0" not in house.platform.endpoints
    assert house.register("one more")


def test_a_tier_without_push_and_a_token_that_is_none_register_nothing() -> None:
    house = House()
    with pytest.raises(LimitReachedError, match="tier free has no push"):
        house.register("token-1", make_account(tier=Tier.FREE))
    with pytest.raises(RecipientRejectedError):
        house.register("bad token")
    assert house.devices.stored == {}


def test_every_device_of_an_account_is_told_under_the_id_of_its_delivery() -> None:
    house = House()
    house.register("token-1")
    house.register("token-2")
    assert house.send("devices:acc-1") == ["service-1"]
    assert sorted(each.recipient for each in house.push.sent) == ["endpoint/token-1", "endpoint/token-2"]
    assert {each.delivery_id for each in house.push.sent} == {"d0"}


def test_a_topic_is_told_as_before() -> None:
    house = House()
    assert house.send("arn:topic", "devices:nobody")[0] == "service-1"
    assert [each.recipient for each in house.push.sent] == ["arn:topic"]


def test_who_has_no_device_is_not_told_and_sees_why() -> None:
    (outcome,) = House().send("devices:acc-1")
    assert isinstance(outcome, RecipientSuppressedError)
    assert str(outcome) == "no device"


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((GONE, None), str),
        ((LATER, None), str),
        ((GONE, LATER), ChannelUnavailableError),
        ((GONE, GONE), EndpointGoneError),
    ],
)
def test_a_delivery_is_taken_if_any_device_took_it_and_tried_again_if_one_may(outcomes, expected: type) -> None:
    house = House(*outcomes)
    house.register("token-1")
    house.register("token-2")
    (outcome,) = house.send("devices:acc-1")
    assert isinstance(outcome, expected)


def test_a_device_that_is_gone_is_forgotten_and_its_owner_told_by_websocket() -> None:
    house = House(GONE)
    gone = house.register("token-1")
    (outcome,) = house.send("devices:acc-1")
    assert isinstance(outcome, EndpointGoneError)
    assert house.devices.stored == {}
    assert house.platform.endpoints == set()
    (notice,) = house.notices.sent
    assert notice.recipient == "deliveries:acc-1"
    assert (notice.message.facts["kind"], notice.message.facts["device_id"]) == ("channel_off", gone.device_id)


def test_a_device_that_is_gone_for_several_messages_is_told_of_once() -> None:
    house = House(GONE, GONE)
    house.register("token-1")
    house.send("devices:acc-1", "devices:acc-1")
    assert len(house.notices.sent) == 1


def test_devices_that_cannot_be_read_now_are_tried_again() -> None:
    class Failing(InMemoryDevices):
        def of_account(self, account_id: str) -> list[Device]:  # noqa: ARG002 - whoever it is
            raise StorageUnavailableError("throttled")

    house = House()
    house.sender.devices = Failing()
    (outcome,) = house.send("devices:acc-1")
    assert isinstance(outcome, ChannelUnavailableError)
