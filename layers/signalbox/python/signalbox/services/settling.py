"""The candles that settle a shard's open signals, which signals there is anything to settle of, and how they are
settled.

Most minutes close no candle, and most candles touch no level. A signal's state is not written for those, and its
candles are not read again either: the price frame keeps up to which moment each symbol's candles have settled all they
could, and from there on only new candles are looked at. A signal that one of them concerns, or that a revision writes
anyway, is settled from its own last check on, with every candle since.

Where a symbol's candles stop, its home exchange says why. A symbol that is gone ends its signals at the last close it
had; while it is halted, a signal that ran out waits, as what it came to is not known yet.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import cached_property, partial

from signalbox.domain.errors import SignalboxError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.barriers import Barriers, Touch, is_price
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import GONE_AFTER
from signalbox.ports.market import CandleStore, Exchange, Market
from signalbox.services.candles import update_candles

FETCHED_FINER = Timeframe.M1
"""What a tie is drilled into where nothing finer is stored yet: an hour of it is one call."""

PATIENCE = timedelta(minutes=1)
"""How long a signal that ran out waits for its last candle to be confirmed: one cycle."""

Columns = dict[str, list[Candle]]


class Settling:
    """What one cycle has to settle, and with which candles.

    Parameters
    ----------
    shard : Shard
        Its timeframe is that of the candles that settle: the shortest in use.
    exchanges : sequence of Exchange
        Among them the shard's home; without it nothing can be settled.
    store : CandleStore
        Where candles are kept.
    closed_by : datetime
        Candles that close later are not evidence yet.
    settled : mapping of str to int
        By symbol, up to which moment (epoch ms) earlier cycles have settled.
    """

    def __init__(
        self,
        shard: Shard,
        exchanges: Sequence[Exchange],
        store: CandleStore,
        *,
        closed_by: datetime,
        settled: Mapping[str, int],
    ) -> None:
        self._shard = shard
        self._home = next((exchange for exchange in exchanges if exchange.exchange_id == shard.exchange), None)
        self._store = store
        self._step = shard.timeframe.milliseconds
        self._last_open = shard.timeframe.last_closed_open(to_ms(closed_by))
        # Down to the grid: the candles that settle may have grown since.
        self.settled = {symbol: shard.timeframe.floor(until) for symbol, until in settled.items()}

    @property
    def timeframe(self) -> Timeframe:
        """Of the candles that settle."""
        return self._shard.timeframe

    def evidence(
        self, opened: Sequence[Signal], now: datetime, *, gone: Set[str], revised: Set[str]
    ) -> dict[str, list[Candle]]:
        """Return, by signal_id, the closed candles since its last check for each signal that may change by them, or is
        written anyway, being among `revised`.

        One that is not named stays as it is. `settled` then says how far the symbols of `opened` have come.
        """
        due = {
            signal.signal_id: signal
            for signal in opened
            if signal.signal_id in revised or self._is_due(signal, now, gone)
        }
        quiet = [signal for signal in opened if signal.signal_id not in due]
        due |= {signal.signal_id: signal for signal in self._concerned(quiet)}
        columns = self._load({signal.symbol for signal in due.values()}, map(self._unchecked_from, due.values()))
        compared = {signal.symbol for signal in quiet}
        for symbol, column in columns.items():
            # This reading may hold a candle more than the quiet signals were compared with.
            if column and symbol not in compared:
                self.settled[symbol] = max(column[-1].time + self._step, self.settled.get(symbol, 0))
        open_symbols = {signal.symbol for signal in opened}
        self.settled = {symbol: until for symbol, until in self.settled.items() if symbol in open_symbols}
        return {signal_id: columns.get(signal.symbol, []) for signal_id, signal in due.items()}

    def settle(
        self, signal: Signal, candles: Sequence[Candle], *, gone: bool, last_price: ConsensusPrice | None, now: datetime
    ) -> Signal:
        """Return the signal as `candles`, those since its last check, and the clock leave it.

        `gone` says that the universe no longer lists its symbol. `last_price` is the newest known at or before
        `expires_at`.
        """
        leave = partial(
            settle,
            signal,
            candles,
            timeframe=self.timeframe,
            now=now,
            finer=partial(self.finer, signal.symbol),
            last_price=last_price,
        )
        after = leave(patience=PATIENCE)
        stopped = after.checked_until or signal.published_at
        if gone:
            return leave(delisted_at=stopped) if after.ending is None or _fell_silent(after) else after
        if not _fell_silent(after) or any(is_price(candle) and from_ms(candle.time) >= stopped for candle in candles):
            return after
        found_gone = self._is_gone(signal.symbol, now - stopped)
        if found_gone is None:
            return leave(patience=GONE_AFTER)
        return leave(delisted_at=stopped) if found_gone else after

    def forget(self, symbol: str) -> None:
        """Let the next cycle settle this symbol anew: a change of it was not stored."""
        self.settled.pop(symbol, None)

    def finer(self, symbol: str, start: int, end: int) -> list[Candle]:
        """Return the finest candles there are of [start, end) (epoch ms), oldest first; none if there are none.

        Stored ones count. Where nothing finer is stored, minutes are asked of the home exchange and stored, so that a
        message handled again finds what this one found.
        """
        for timeframe in Timeframe:
            if timeframe.milliseconds < self._step:
                grid = self._store.load(
                    self._shard.exchange, timeframe, self._shard.bucket, (symbol,), start, end - timeframe.milliseconds
                )
                if found := grid.column(symbol):
                    return found
        if self._shard.timeframe is FETCHED_FINER:
            return []
        try:
            return self._update((symbol,), FETCHED_FINER, start, end - FETCHED_FINER.milliseconds).get(symbol, [])
        except SignalboxError:
            return []

    @cached_property
    def _markets(self) -> Mapping[str, Market] | None:
        """What the home exchange lists; None if it does not say."""
        try:
            return self._home.markets() if self._home else None
        except SignalboxError:
            return None

    def _is_gone(self, symbol: str, silent_for: timedelta) -> bool | None:
        """Return whether the home exchange gave up a symbol that has had no candles for so long; None while it may go
        on trading it. One that does not answer is not waited for."""
        if self._markets is None:
            return False
        market = self._markets.get(symbol)
        if market is None or (not market.active and silent_for >= GONE_AFTER):
            return True
        return False if market.active else None

    def _is_due(self, signal: Signal, now: datetime, gone: Set[str]) -> bool:
        """Return whether a signal must be settled whatever its symbol's new candles say."""
        unknown = signal.symbol not in self.settled
        return unknown or signal.filled_price is None or now >= signal.expires_at or signal.symbol in gone

    def _concerned(self, quiet: Sequence[Signal]) -> list[Signal]:
        """Return those of filled signals that a candle since `settled` concerns: it touched a level, or is missing."""
        symbols = {signal.symbol for signal in quiet if self.settled[signal.symbol] <= self._last_open}
        columns = self._load(symbols, (self.settled[symbol] for symbol in symbols))
        new = {
            symbol: [candle for candle in column if candle.time >= self.settled[symbol]]
            for symbol, column in columns.items()
        }
        found = [signal for signal in quiet if self._matters(signal, new.get(signal.symbol, ()))]
        for symbol, candles in new.items():
            if candles:
                self.settled[symbol] = candles[-1].time + self._step
        return found

    def _matters(self, signal: Signal, candles: Sequence[Candle]) -> bool:
        if not candles:
            return False
        due = (candles[-1].time + self._step - self.settled[signal.symbol]) // self._step
        if len(candles) < due:
            return True
        levels = signal.levels
        barriers = Barriers(signal.signal_type.side, float(levels.target_price), float(levels.stop_loss))
        return any(not is_price(candle) or barriers.touch(candle) is not Touch.NONE for candle in candles)

    def _unchecked_from(self, signal: Signal) -> int:
        return self._shard.timeframe.floor(to_ms(signal.checked_until or signal.published_at))

    def _load(self, symbols: set[str], firsts: Iterable[int]) -> Columns:
        """Return the closed candles of `symbols` from the first of `firsts` on, fetching and storing what is missing.

        With the home exchange down, what is stored settles what it can, and expiry waits for nobody.
        """
        first_open = min(firsts, default=self._last_open + 1)
        if not symbols or self._home is None or first_open > self._last_open:
            return {}
        named = tuple(sorted(symbols))
        try:
            return self._update(named, self._shard.timeframe, first_open, self._last_open)
        except SignalboxError:
            grid = self._store.load(
                self._shard.exchange, self._shard.timeframe, self._shard.bucket, named, first_open, self._last_open
            )
            return {symbol: grid.column(symbol) for symbol in named}

    def _update(self, symbols: Sequence[str], timeframe: Timeframe, first_open: int, last_open: int) -> Columns:
        if self._home is None:
            return {}
        update = update_candles(
            symbols,
            timeframe=timeframe,
            bucket=self._shard.bucket,
            first_open=first_open,
            last_open=last_open,
            exchange=self._home,
            store=self._store,
        )
        return {symbol: update.grid.column(symbol) for symbol in symbols}


def _fell_silent(ended: Signal) -> bool:
    """Return whether a signal that was filled ended for want of any price at `expires_at`."""
    ending = ended.ending
    return (
        ending is not None
        and (ending.status, ending.ended_at) == (Status.DATA_GAP, ended.expires_at)
        and ended.filled_price is not None
    )
