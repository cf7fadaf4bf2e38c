"""How long deliveries took, in DynamoDB: one item per hour, channel and tier, beside the other counters that end.

Each bin is a number of its own that is only ever added to, so that workers never wait for each other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from signalbox.adapters.storage.dynamo import call
from signalbox.adapters.storage.quotas import QuotaItem
from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.delivery.latency import Bins
from signalbox.domain.instants import to_iso

KEPT = timedelta(days=2)
_BIN = "bin_"
_MINUS = "m"


class DynamoDeliveryLatencies:
    """Implements `ports.DeliveryLatencies`."""

    def add(self, hour: datetime, channel: Channel, tier: Tier, bins: Bins) -> None:
        """Add counts to an hour's."""
        if not bins:
            return
        names = {f"#b{place}": _name(number) for place, number in enumerate(bins)}
        values = {f":b{place}": {"N": str(count)} for place, count in enumerate(bins.values())}
        added = ", ".join(f"#b{place} :b{place}" for place in range(len(bins)))
        request = {
            "TableName": QuotaItem.name(),
            "Key": {"quota": {"S": _key(hour, channel, tier)}},
            "UpdateExpression": f"ADD {added} SET #ttl = :ttl",
            "ExpressionAttributeNames": {**names, "#ttl": "ttl"},
            "ExpressionAttributeValues": {**values, ":ttl": {"N": str(int((hour + KEPT).timestamp()))}},
        }
        call("UpdateItem", request)

    def of_hours(self, hours: Sequence[datetime]) -> list[tuple[tuple[Channel, Tier], Bins]]:
        """Return the counts of these hours with their channels and tiers, in no order; eventually consistent."""
        places = {_key(hour, channel, tier): (channel, tier) for hour in hours for channel in Channel for tier in Tier}
        found = QuotaItem.fetch_many_raw([{"quota": key} for key in places])
        return [
            (
                places[raw["quota"]["S"]],
                {_number(name): int(value["N"]) for name, value in raw.items() if name.startswith(_BIN)},
            )
            for raw in found
        ]


def _key(hour: datetime, channel: Channel, tier: Tier) -> str:
    return f"latency#{to_iso(hour)}#{channel}#{tier}"


def _name(number: int) -> str:
    return f"{_BIN}{_MINUS if number < 0 else ''}{abs(number)}"


def _number(name: str) -> int:
    text = name.removeprefix(_BIN)
    return -int(text.removeprefix(_MINUS)) if text.startswith(_MINUS) else int(text)
