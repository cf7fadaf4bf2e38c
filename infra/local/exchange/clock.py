"""The market's clock: set by the runner, or the wall's."""

import time


class MarketClock:
    """What time it is on every exchange here. `stepped_to` is a moment (epoch ms), or None for the wall clock."""

    def __init__(self, stepped_to: int | None = None) -> None:
        self._stepped_to = stepped_to

    @property
    def is_wall(self) -> bool:
        """Whether the wall clock is followed."""
        return self._stepped_to is None

    def now(self) -> int:
        """Return the moment it is, in epoch ms."""
        return time.time_ns() // 1_000_000 if self._stepped_to is None else self._stepped_to

    def step_to(self, moment: int | None) -> None:
        """Set the clock to `moment` (epoch ms), where it stays, or let it follow the wall (None)."""
        self._stepped_to = moment
