"""Re-pricing of several symbols on three fake exchanges, one minute after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.market import CandleStore, Exchange, Market, PriceFrameStore
from signalbox.ports.signals import SignalChanges, SignalRepository
from signalbox.services.quotes import QuoteRound, Silence
from signalbox.services.reprice_signals import RepricingReport, reprice_shard
from tests.builders import NOW, make_levels, make_signal
from tests.fakes.market import FakeExchange, InMemoryCandles, InMemoryPriceFrames
from tests.fakes.signals import InMemoryPriceHistory, InMemorySignalChanges, InMemorySignals
from tests.fakes.work import InMemoryUniverse

EXCHANGES = ("binance", "bybit", "kraken")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
MINUTE = timedelta(minutes=1)
GRACE_SECONDS = 10


def buy(symbol: str, **overrides: Any) -> Signal:
    """A filled BUY at 100 with the stop at 80 and the target at 130: no minute of a test moves it by accident."""
    levels = make_levels(target_price="130", stop_loss="80")
    filled = {"filled_price": levels.entry_price, "filled_at": NOW, "checked_until": NOW}
    return make_signal(NOW - timedelta(hours=1), symbol=symbol, levels=levels, **filled | overrides)


def quote(symbol: str, exchange_id: str, price: float, at: datetime, **overrides: Any) -> Quote:
    return replace(Quote(symbol, exchange_id, to_ms(at), price * 0.9999, price * 1.0001, price, 1e6), **overrides)


class House:
    """The ports of one shard. `signals` and the rest may be real ones."""

    def __init__(
        self,
        symbols: Sequence[str] = SYMBOLS,
        *,
        timeframe: Timeframe = Timeframe.H1,
        signals: SignalRepository | None = None,
        changes: SignalChanges | None = None,
        frames: PriceFrameStore | None = None,
        candles: CandleStore | None = None,
    ) -> None:
        self.symbols, self.timeframe = tuple(symbols), timeframe
        fake_signals, self.history = InMemorySignals(), InMemoryPriceHistory()
        self.signals: SignalRepository = signals or fake_signals
        self.changes: SignalChanges = changes or InMemorySignalChanges(fake_signals, self.history)
        self.frames: PriceFrameStore = frames or InMemoryPriceFrames()
        self.candles: CandleStore = candles or InMemoryCandles()
        self.exchanges: dict[str, FakeExchange] = {
            each: FakeExchange(each, listed={symbol: Market(symbol, True, Decimal("0.01")) for symbol in symbols})
            for each in EXCHANGES
        }
        self.universes = InMemoryUniverse(
            Universe(NOW - timedelta(days=30), tuple(Member(symbol, "binance", 0) for symbol in symbols))
        )

    def show(self, at: datetime, price: float | Mapping[str, float]) -> None:
        """Let every exchange quote these prices, taken at `at`."""
        for exchange_id, exchange in self.exchanges.items():
            for symbol in self.symbols:
                value = price[symbol] if isinstance(price, Mapping) else price
                exchange.quoted[symbol] = quote(symbol, exchange_id, value, at)

    def show_candles(self, candles: Mapping[str, list[Candle]]) -> None:
        self.exchanges["binance"].stored = dict(candles)

    def reprice(self, as_of: datetime, now: datetime | None = None, **overrides: Any) -> RepricingReport:
        ports: dict[str, Any] = {
            "exchanges": list(self.exchanges.values()),
            "candles": self.candles,
            "signals": self.signals,
            "changes": self.changes,
            "frames": self.frames,
            "universes": self.universes,
            "now": now or as_of + timedelta(seconds=GRACE_SECONDS),
            "grace_seconds": GRACE_SECONDS,
            "ask": ask_in_turn,
        }
        return reprice_shard(self.shard(as_of), **ports | overrides)

    def shard(self, as_of: datetime) -> Shard:
        return Shard(
            job="reprice_signals",
            number=0,
            count=1,
            exchange="binance",
            bucket=0,
            timeframe=self.timeframe,
            symbols=self.symbols,
            as_of=as_of,
        )


def ask_in_turn(exchanges: Sequence[Exchange], symbols: Sequence[str]) -> QuoteRound:
    """Ask without threads, so that thousands of cycles cost little."""
    answers = {exchange.exchange_id: exchange for exchange in exchanges}
    quotes: list[Quote] = []
    silent: dict[str, Silence] = {}
    for exchange_id, exchange in answers.items():
        if isinstance(exchange, FakeExchange) and exchange.quote_error is not None:
            silent[exchange_id] = Silence.DOWN
        else:
            quotes += exchange.quotes(symbols).values()
    return QuoteRound(quotes, silent)
