"""Real candles as a market: the home exchange serves the file as it is, the others stand some bps apart."""

import math

import numpy as np

from infra.local.exchange.candles import CLOSE, DAY, OPEN, VOLUME, Candles, FloatArray
from infra.local.exchange.market import HOME_EXCHANGE, Listing, MarketEvent
from infra.local.exchange.reading import Recording, read_recording
from infra.local.exchange.spreads import is_listed, on_exchange, rounded

_MOST_DECIMALS = 10


class RecordedTape:
    """Implements `market.Tape` with recorded candles.

    Parameters
    ----------
    source : str
        Where the recording comes from.
    recording : Recording
        The candles.
    seed : int
        Decides the other exchanges' prices and which symbols they list.
    """

    def __init__(self, source: str, recording: Recording, seed: int) -> None:
        self.source = source
        self.symbols = tuple(recording.series)
        self.base_step = recording.step_ms
        self._seed = seed
        self._series = recording.series
        self.span_ms = (
            min(int(candles.times[0]) for candles in self._series.values()),
            max(int(candles.times[-1]) for candles in self._series.values()),
        )
        turnovers = {symbol: _daily_turnover(candles, self.base_step) for symbol, candles in self._series.items()}
        by_turnover = sorted(turnovers, key=lambda symbol: -turnovers[symbol])
        self._ranks = {symbol: rank for rank, symbol in enumerate(by_turnover)}
        self._listings = {
            symbol: Listing(
                symbol=symbol,
                active=True,
                price_decimals=_decimals(candles.values[:, :VOLUME]),
                amount_decimals=min(8, _decimals(candles.values[:, VOLUME:])),
                half_spread=min(1e-3, max(1e-5, 4e-4 * math.sqrt(1e7 / (turnovers[symbol] + 1.0)))),
                listed_ms=int(candles.times[0]),
            )
            for symbol, candles in self._series.items()
        }

    @classmethod
    def read(cls, source: str, seed: int) -> "RecordedTape":
        """Return the tape of a file or folder; raise InvalidValueError if it cannot be read as candles."""
        return cls(source, read_recording(source), seed)

    def listings(self, exchange: str, now: int) -> list[Listing]:
        """Return what `exchange` lists at `now`: what has begun to trade; inactive what ends a day before the file."""
        listings = []
        for symbol, listing in self._listings.items():
            end = int(self._series[symbol].times[-1]) + self.base_step
            if now < listing.listed_ms or not is_listed(self._seed, exchange, symbol, self._ranks[symbol]):
                continue
            gone = end <= now and end < self.span_ms[1] - DAY
            listings.append(_inactive(listing) if gone else listing)
        return listings

    def candles(self, exchange: str, symbol: str, first_open: int, last_open: int) -> Candles:
        """Return the candles of a span as `exchange` published them; empty for an unknown symbol."""
        series = self._series.get(symbol)
        if series is None:
            return Candles.none()
        part = series.between(first_open, last_open)
        if exchange == HOME_EXCHANGE:
            return part
        listing = self._listings[symbol]
        on = on_exchange(part, self._seed, exchange, symbol, self.base_step)
        return rounded(on, listing.price_decimals, listing.amount_decimals)

    def events(self, first: int, last: int) -> list[MarketEvent]:
        """Return the symbols that began or ended inside the file, in [`first`, `last`] (epoch ms)."""
        found = []
        for symbol, candles in self._series.items():
            begin, end = int(candles.times[0]), int(candles.times[-1])
            if begin > self.span_ms[0]:
                found.append(MarketEvent("listing", symbol, None, begin, begin))
            if end < self.span_ms[1] - DAY:
                found.append(MarketEvent("delisting", symbol, None, end, end))
        return sorted((one for one in found if first <= one.start_ms <= last), key=lambda event: event.start_ms)


def _inactive(listing: Listing) -> Listing:
    return Listing(
        symbol=listing.symbol,
        active=False,
        price_decimals=listing.price_decimals,
        amount_decimals=listing.amount_decimals,
        half_spread=listing.half_spread,
        listed_ms=listing.listed_ms,
    )


def _daily_turnover(candles: Candles, step_ms: int) -> float:
    typical = candles.values[:, OPEN : CLOSE + 1].mean(axis=1)
    return float((candles.values[:, VOLUME] * typical).mean() * DAY / step_ms)


def _decimals(values: FloatArray) -> int:
    """Return the fewest decimals that write every value exactly, at most ten."""
    for decimals in range(_MOST_DECIMALS):
        if (np.round(values, decimals) == values).all():
            return decimals
    return _MOST_DECIMALS
