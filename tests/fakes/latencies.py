"""How long deliveries took, in memory."""

from collections.abc import Sequence
from datetime import datetime

from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.delivery.latency import Bins, total


class InMemoryLatencies:
    """`ports.DeliveryLatencies`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[datetime, Channel, Tier], Bins] = {}

    def add(self, hour: datetime, channel: Channel, tier: Tier, bins: Bins) -> None:
        if bins:
            known = self.stored.get((hour, channel, tier), {})
            self.stored[hour, channel, tier] = total([known, bins])

    def of_hours(self, hours: Sequence[datetime]) -> list[tuple[tuple[Channel, Tier], Bins]]:
        return [((channel, tier), bins) for (hour, channel, tier), bins in self.stored.items() if hour in hours]
