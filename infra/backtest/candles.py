"""The candles of a backtest: a span of the simulated market, or of a file or folder of real ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from infra.local.exchange.candles import aggregate
from infra.local.exchange.market import HOME_EXCHANGE, Tape
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms, to_iso, to_ms
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid, IntArray
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_resolution import FinerCandlesOf
from signalbox.domain.signals.signal import Origin
from signalbox.domain.strategies.base import HOUSE_GEOMETRY

SIMULATED = "simulated"
SIMULATED_DAYS = 90
SIMULATED_END = 1_719_792_000_000
"""2024-07-01T00:00:00Z, where the simulated market of other runs ends too."""


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """What a backtest lives through.

    Attributes
    ----------
    source : str
        `simulated`, or the name of the file or folder.
    origin : Origin
        Of the signals.
    grid : CandleGrid
        Warm-up, span, and one life after it, as far as there are candles.
    price_steps : dict of str to Decimal
        Each symbol's smallest price difference.
    start, end : datetime
        The span.
    finer : callable or None
        Finer candles for ties, where the source has them.
    finest : Timeframe
        Of `finer`, or of the grid.
    """

    source: str
    origin: Origin
    grid: CandleGrid
    price_steps: dict[str, Decimal]
    start: datetime
    end: datetime
    finer: FinerCandlesOf | None
    finest: str


def open_tape(source: str, seed: int) -> Tape:
    """Return the tape that `source` names; raise InvalidValueError if it cannot be read."""
    if source == SIMULATED:
        from infra.local.exchange.simulated import SimulatedTape

        return SimulatedTape(seed)
    from infra.local.exchange.recorded import RecordedTape

    return RecordedTape.read(source, seed)


def load(  # noqa: PLR0913 - what the command line asks for, one by one
    tape: Tape,
    *,
    timeframe: Timeframe,
    since: datetime | None,
    until: datetime | None,
    warm_up_candles: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Material:
    """Return the candles of `tape` for a backtest from `since` to `until`, by default all there is (simulated: the last
    90 days).

    Raises
    ------
    InvalidValueError
        If the tape's candles are longer than `timeframe`, or it has none in the span.
    """
    step = timeframe.milliseconds
    if step % tape.base_step:
        raise InvalidValueError(f"timeframe must be a multiple of the candles' {tape.base_step // 60_000} minutes")
    simulated = tape.source == SIMULATED
    first, last = tape.span_ms
    last = SIMULATED_END - step if simulated else timeframe.floor(last + tape.base_step) - step
    end = min(to_ms(until) if until else last + step, last + step)
    begin = to_ms(since) if since else (end - SIMULATED_DAYS * 86_400_000 if simulated else first)
    begin = max(begin, first)
    if begin >= end:
        raise InvalidValueError(f"{tape.source} must have candles in the span, has {_span(first, last + step)}")
    life = HOUSE_GEOMETRY.life_candles[timeframe] * step
    earliest, latest = timeframe.floor(max(begin - warm_up_candles * step, first)), min(end + life, last)
    return Material(
        source=tape.source if simulated else tape.source.rstrip("/").rpartition("/")[2],
        origin=Origin.SIMULATED if simulated else Origin.REPLAY,
        grid=_grid(tape, timeframe, np.arange(earliest, latest + 1, step, dtype=np.int64), progress),
        price_steps=_price_steps(tape, begin, end),
        start=from_ms(begin),
        end=from_ms(end),
        finer=None if tape.base_step == step else _finer(tape),
        finest=f"{tape.base_step // 60_000}m",
    )


def _grid(tape: Tape, timeframe: Timeframe, times: IntArray, progress: Callable[[int, int], None]) -> CandleGrid:
    """Return the home exchange's candles of all symbols at `times`, made of shorter ones where the tape has those."""
    step = timeframe.milliseconds
    cells = np.full((len(COLUMNS), len(times), len(tape.symbols)), np.nan)
    for at, symbol in enumerate(tape.symbols):
        candles = tape.candles(HOME_EXCHANGE, symbol, int(times[0]), int(times[-1]) + step - 1)
        longer = candles if tape.base_step == step else aggregate(candles, step)
        cells[:, (longer.times - times[0]) // step, at] = longer.values.T
        progress(at + 1, len(tape.symbols))
    return CandleGrid(HOME_EXCHANGE, timeframe, tape.symbols, times, *cells)


def life_days(timeframe: Timeframe) -> int:
    """Return how many days a signal lives, rounded up."""
    return -(-HOUSE_GEOMETRY.life(timeframe) // timedelta(days=1))


def _price_steps(tape: Tape, begin: int, end: int) -> dict[str, Decimal]:
    """A symbol that was delisted within the span is listed at some moment of it."""
    moments = range(begin, end + 1, max((end - begin) // 20, 1))
    return {
        listing.symbol: Decimal(1).scaleb(-listing.price_decimals)
        for moment in moments
        for listing in tape.listings(HOME_EXCHANGE, moment)
    }


def _finer(tape: Tape) -> FinerCandlesOf:
    def finer(symbol: str, start: int, end: int) -> list[Candle]:
        found = tape.candles(HOME_EXCHANGE, symbol, start, end - 1)
        return [Candle(int(time), *map(float, row)) for time, row in zip(found.times, found.values, strict=True)]

    return finer


def _span(first: int, end: int) -> str:
    return f"{to_iso(from_ms(first))} to {to_iso(from_ms(end))}"
