"""Devices: the fake and DynamoDB must agree."""

from dataclasses import replace

from signalbox.adapters.storage.devices import DynamoDeviceRepository
from signalbox.domain.delivery.devices import Device, device_id_of
from signalbox.ports.devices import DeviceRepository
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.devices import InMemoryDevices

devices = either(InMemoryDevices, DynamoDeviceRepository)

PHONE = Device(device_id_of("token-1"), "acc-1", "arn:1", "my phone", NOW)
TABLET = Device(device_id_of("token-2"), "acc-1", "arn:2", "", NOW)


def test_an_accounts_devices_are_found_and_no_others(devices: DeviceRepository) -> None:
    for each in (PHONE, TABLET, Device(device_id_of("token-3"), "acc-2", "arn:3", "", NOW)):
        devices.put(each)
    assert devices.of_account("acc-1") == sorted([PHONE, TABLET], key=lambda each: each.device_id)
    assert devices.of_account("acc-3") == []


def test_a_device_belongs_to_who_registered_it_last(devices: DeviceRepository) -> None:
    devices.put(PHONE)
    devices.put(replace(PHONE, account_id="acc-2"))
    assert devices.of_account("acc-1") == []
    assert devices.remove("acc-1", PHONE.device_id) is False
    assert [each.account_id for each in devices.of_account("acc-2")] == ["acc-2"]


def test_a_device_is_removed_once(devices: DeviceRepository) -> None:
    devices.put(PHONE)
    assert [devices.remove("acc-1", PHONE.device_id) for _ in range(2)] == [True, False]
    assert devices.of_account("acc-1") == []
