"""Timeframes: how long a candle is, and which candle a moment belongs to."""

from enum import StrEnum

from signalbox.domain.errors import InvalidValueError

_MINUTE = 60_000


class Timeframe(StrEnum):
    """A candle's length, in ccxt's spelling. Candles are named by their open time and aligned to the epoch."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def milliseconds(self) -> int:
        """Length in milliseconds."""
        return _MILLISECONDS[self]

    def floor(self, moment_ms: int) -> int:
        """Return the open time (epoch ms) of the candle that holds `moment_ms`."""
        return moment_ms - moment_ms % self.milliseconds

    def last_closed_open(self, now_ms: int) -> int:
        """Return the open time (epoch ms) of the newest candle that is over at `now_ms`."""
        return self.floor(now_ms) - self.milliseconds

    @classmethod
    def of(cls, text: str) -> "Timeframe":
        """Return the timeframe spelled `text`; raise InvalidValueError naming the known ones."""
        try:
            return cls(text)
        except ValueError as e:
            raise InvalidValueError(f"timeframe must be one of {', '.join(cls)}, was {text!r}") from e


_MILLISECONDS = {
    Timeframe.M1: _MINUTE,
    Timeframe.M5: 5 * _MINUTE,
    Timeframe.M15: 15 * _MINUTE,
    Timeframe.H1: 60 * _MINUTE,
    Timeframe.H4: 240 * _MINUTE,
    Timeframe.D1: 1440 * _MINUTE,
}
