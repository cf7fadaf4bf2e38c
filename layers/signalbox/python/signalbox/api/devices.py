"""`/signals/api/devices`: the phones and tablets that get the caller's push messages."""

from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.account_answers import DeviceDocument, DevicesAnswer
from signalbox.api.account_inputs import DeviceRequest
from signalbox.api.endpoint import Endpoints
from signalbox.api.problems import ProblemError, not_found
from signalbox.domain.accounts.account import Account, Scope
from signalbox.domain.delivery.devices import Device
from signalbox.domain.errors import LimitReachedError, RecipientRejectedError
from signalbox.domain.instants import to_iso
from signalbox.services.devices import register_device, remove_device

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/devices", DevicesAnswer, scope=Scope.SUBSCRIBE)
def list_all(account: Account) -> dict[str, Any]:
    """Return the caller's devices."""
    found = bootstrap.device_repository().of_account(account.account_id)
    return {"devices": [_represent(each) for each in found]}


@endpoints.add(
    "POST",
    "/signals/api/devices",
    DeviceDocument,
    status=HTTPStatus.CREATED,
    body=DeviceRequest,
    scope=Scope.SUBSCRIBE,
    refusals=(HTTPStatus.CONFLICT,),
    example={"token": "fGx0aZ3vQ1x8nWc0aTfB:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx", "name": "my phone"},
)
def add(account: Account, body: DeviceRequest) -> Response:
    """Register a device by the token that its push service gave the app. Twice is as once, and a device that somebody
    else registered before is the caller's from now on. From then on the channel `push` reaches it."""
    platform = bootstrap.push_platform()
    if platform is None:
        raise ProblemError(HTTPStatus.CONFLICT, "this deployment has no platform application, so no push to devices")
    try:
        device = register_device(
            body.token,
            body.name,
            account,
            accounts=bootstrap.account_repository(),
            devices=bootstrap.device_repository(),
            platform=platform,
            now=bootstrap.wall_clock().now(),
        )
    except LimitReachedError as e:
        raise ProblemError(HTTPStatus.CONFLICT, str(e)) from e
    except RecipientRejectedError as e:
        detail = "token must be one that the platform's push service gave, was not"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail, [{"field": "token", "detail": detail}]) from e
    return Response(_represent(device), status_code=HTTPStatus.CREATED)


@endpoints.add("DELETE", "/signals/api/devices/{device_id}", status=HTTPStatus.NO_CONTENT, scope=Scope.SUBSCRIBE)
def remove(account: Account, device_id: str) -> Response:
    """Remove one of the caller's devices: it gets no more messages."""
    removed = remove_device(
        account.account_id,
        device_id[:100] or "-",
        accounts=bootstrap.account_repository(),
        devices=bootstrap.device_repository(),
        platform=bootstrap.push_platform(),
    )
    if not removed:
        raise not_found("such device")
    return Response("", status_code=HTTPStatus.NO_CONTENT)


def _represent(device: Device) -> dict[str, Any]:
    """Return the JSON document of a device: neither its token nor its endpoint."""
    return {"device_id": device.device_id, "name": device.name, "created_at": to_iso(device.created_at)}
