"""What one message on a tier's queue asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Delivery
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.events import EventKind


@dataclass(frozen=True, slots=True)
class Task:
    """Deliveries of one event that one message asks to send. For an alert, `signal_id` names the firing. `tier` says on
    whose queue it lies, where it is known."""

    signal_id: str
    delivery_ids: tuple[str, ...]
    kind: EventKind
    tier: Tier | None = None

    @classmethod
    def from_message(cls, body: Mapping[str, Any]) -> "Task":
        """Read a message's body; raise InvalidValueError if it asks for something else."""
        try:
            ids = [str(delivery_id) for delivery_id in body["delivery_ids"]]
            tier = Tier(body["tier"]) if body.get("tier") else None
            return cls(str(body["signal_id"]), tuple(ids), EventKind(body["kind"]), tier)
        except (KeyError, TypeError, ValueError) as e:
            raise InvalidValueError(f"message must ask for deliveries, was {str(body)[:200]}") from e

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of the message that asks for this."""
        body = {"signal_id": self.signal_id, "delivery_ids": list(self.delivery_ids), "kind": str(self.kind)}
        return body if self.tier is None else {**body, "tier": str(self.tier)}


def digest_message(batch: Sequence[Delivery]) -> dict[str, Any]:
    """Return the JSON body of the message that has several deliveries sent in one mail, in this order."""
    return {"digest": [[each.signal_id, each.delivery_id] for each in batch]}
