"""The system clock: the wall clock, or the market's clock in stepped runs."""

from datetime import UTC, datetime, timedelta

from signalbox.domain.instants import from_ms, to_ms
from signalbox.ports.work import Clock, TurnRepository


class WallClock:
    """The wall clock, to the millisecond, which is what storage keeps."""

    def now(self) -> datetime:
        """Return the moment it is."""
        return from_ms(to_ms(datetime.now(UTC)))


class MarketClock:
    """The market's clock: the close of the newest planned turn plus the grace that candles are given.

    Parameters
    ----------
    turns : TurnRepository
        Where the planned turns are.
    grace : timedelta
        How long after a candle's close its turn is handled.
    before_first_turn : Clock, optional
        What tells the time until there is a turn; the wall clock if not given.
    """

    def __init__(self, turns: TurnRepository, grace: timedelta, before_first_turn: Clock | None = None) -> None:
        self._turns = turns
        self._grace = grace
        self._before_first_turn = before_first_turn or WallClock()

    def now(self) -> datetime:
        """Return the moment it is on the market."""
        newest = max((turn.as_of for turn in self._turns.latest()), default=None)
        return self._before_first_turn.now() if newest is None else newest + self._grace
