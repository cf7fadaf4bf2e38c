"""Devices in DynamoDB: one item each, found by their account. Registering is one write, whoever had it before."""

from dataclasses import asdict
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from signalbox.adapters.storage.attributes import MomentAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, Table
from signalbox.domain.delivery.devices import Device


class DevicesByAccountIndex(GlobalSecondaryIndex["DeviceItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """Which devices does this account have?"""

    class Meta:
        index_name = "by-account"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    device_id = UnicodeAttribute(range_key=True)


class DeviceItem(Table):
    """One device."""

    class Meta:
        table_name = ""

    setting = "DEVICES_TABLE"
    by_account = DevicesByAccountIndex()

    device_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    endpoint = UnicodeAttribute()
    device_name = UnicodeAttribute(null=True)  # `name` is the table's
    created_at = MomentAttribute()


class DynamoDeviceRepository:
    """Implements `ports.DeviceRepository`."""

    def put(self, device: Device) -> None:
        """Store a device, or give one that is known to another account."""
        values = asdict(device)
        DeviceItem(device_name=values.pop("name"), **values).save()

    def of_account(self, account_id: str) -> list[Device]:
        """Return the devices of an account, in order of their ids; one registered this second may be missing."""
        pages = DeviceItem.query_raw("#account_id = :account", {":account": {"S": account_id}}, IndexName="by-account")
        return [_device_of(DeviceItem.values(raw)) for page in pages for raw in page]

    def remove(self, account_id: str, device_id: str) -> bool:
        """Remove this device; return False, changing nothing, if this account does not have it."""
        try:
            DeviceItem(device_id).delete(DeviceItem.account_id == account_id)
        except ConditionFailedError:
            return False
        return True


def _device_of(values: dict[str, Any]) -> Device:
    return Device(name=values.pop("device_name") or "", **values)
