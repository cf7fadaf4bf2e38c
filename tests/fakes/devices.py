"""Devices and the push service in memory."""

from dataclasses import dataclass, field

from signalbox.domain.delivery.devices import Device
from signalbox.domain.errors import RecipientRejectedError


class InMemoryDevices:
    """`ports.DeviceRepository`."""

    def __init__(self, *devices: Device) -> None:
        self.stored = {each.device_id: each for each in devices}

    def put(self, device: Device) -> None:
        self.stored[device.device_id] = device

    def of_account(self, account_id: str) -> list[Device]:
        return sorted(
            (each for each in self.stored.values() if each.account_id == account_id), key=lambda each: each.device_id
        )

    def remove(self, account_id: str, device_id: str) -> bool:
        known = self.stored.get(device_id)
        return known is not None and known.account_id == account_id and bool(self.stored.pop(device_id))


@dataclass
class FakePlatform:
    """`ports.PushPlatform`: knows the endpoints that are there, and takes no token that begins with `bad`."""

    endpoints: set[str] = field(default_factory=set)

    def endpoint(self, token: str) -> str:
        if token.startswith("bad"):
            raise RecipientRejectedError("a device token must be one of its platform, was not")
        self.endpoints.add(f"endpoint/{token}")
        return f"endpoint/{token}"

    def remove(self, endpoint: str) -> None:
        self.endpoints.discard(endpoint)
