"""What the services need to push to devices: which ones an account has, and the service that reaches them.

Every method may raise `TransientError` (try again) or `PermanentError` (do not).
"""

from __future__ import annotations

from typing import Protocol

from signalbox.domain.delivery.devices import Device


class DeviceRepository(Protocol):
    """The devices of all accounts."""

    def put(self, device: Device) -> None:
        """Store a device, or give one that is known to another account."""
        ...

    def of_account(self, account_id: str) -> list[Device]:
        """Return the devices of an account, in order of their ids; one registered this second may be missing."""
        ...

    def remove(self, account_id: str, device_id: str) -> bool:
        """Remove this device; return False, changing nothing, if this account does not have it."""
        ...


class PushPlatform(Protocol):
    """The service that knows devices by endpoints."""

    def endpoint(self, token: str) -> str:
        """Return the endpoint of a device token, made or switched on again where needed.

        Raises RecipientRejectedError if the service does not take the token.
        """
        ...

    def remove(self, endpoint: str) -> None:
        """Remove an endpoint, known or not."""
        ...
