"""An exchange whose calls are paid for out of a budget that all workers share, and withheld while any was banned."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signalbox.domain.errors import ExchangeUnavailableError
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import Exchange, ExchangeBudgets, Market

SHARE = 0.8
"""Of what an exchange grants each minute: the rest is for retries, and for whoever else shares the address."""

CALLS_AHEAD = 25
"""A reservation pays for so many calls of its kind, so that a shard's candles cost a write or two, not one each."""

LOTS = 20
"""... but never for more than this part of a minute's budget, so that many workers find some left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What one call of each kind costs, and what a minute grants, in the exchange's own weights.

    `page` is how many candles one call gives; `quotes` is that of all symbols, the dearest call there is.
    """

    per_minute: int
    markets: int = 1
    quotes: int = 1
    candles: int = 1
    page: int = 100


WEIGHTS: Mapping[str, Weights] = {
    # exchangeInfo 20; ticker/24hr 2 to 20 symbols, 40 to 100, 80 beyond; klines 2; 6,000 a minute and address.
    "binance": Weights(per_minute=6000, markets=20, quotes=80, candles=2, page=1000),
    # 600 requests in 5 s and address, all alike.
    "bybit": Weights(per_minute=7200, page=1000),
    # About one public request a second and address.
    "kraken": Weights(per_minute=60, page=720),
    # 20 requests in 2 s and address for tickers, the strictest of those in use.
    "okx": Weights(per_minute=600, page=300),
}
UNKNOWN = Weights(per_minute=60)
"""Of an exchange that nobody has looked up: a request a second."""


class BudgetedExchange:
    """Implements `ports.Exchange` around another one.

    Every call is paid for first, and asks the shared budget whether any worker was banned: a read costs little beside a
    call to an exchange.

    Parameters
    ----------
    exchange : Exchange
        Who really asks. It tells `budgets` of bans itself, at the moment it learns of one.
    budgets : ExchangeBudgets
        Shared by all workers.
    weights : Weights
        What calls cost.
    limit : int
        What all workers together may spend in a minute.
    now : callable
        The wall clock (aware): exchanges count real minutes.
    """

    def __init__(
        self,
        exchange: Exchange,
        budgets: ExchangeBudgets,
        weights: Weights,
        limit: int,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._exchange = exchange
        self._budgets = budgets
        self._weights = weights
        self._limit = limit
        self._now = now
        self._left, self._minute = 0, -1
        self._paying, self._quoting = threading.Lock(), threading.Lock()

    @property
    def exchange_id(self) -> str:
        """ccxt's id."""
        return self._exchange.exchange_id

    def markets(self) -> Mapping[str, Market]:
        """Return the spot markets by symbol; see `ports.Exchange`."""
        self._pay(self._weights.markets)
        return self._exchange.markets()

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        """Return up to `limit` candles from open time `since` on; see `ports.Exchange`. Each page is paid for."""
        pages = max(1, -(-limit // self._weights.page))
        self._pay(self._weights.candles * pages)
        return self._exchange.candles(symbol, timeframe, since, limit)

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the quotes of those of `symbols` that trade here; see `ports.Exchange`.

        Raises
        ------
        ExchangeUnavailableError
            Also while an earlier call, which its caller gave up waiting for, still has no answer.
        """
        if not self._quoting.acquire(blocking=False):
            raise ExchangeUnavailableError(f"{self.exchange_id} must answer the last question for quotes first")
        try:
            self._pay(self._weights.quotes)
            return self._exchange.quotes(symbols)
        finally:
            self._quoting.release()

    def _pay(self, weight: int) -> None:
        """Take `weight` from what is reserved, reserving more where needed; raise RateLimitedError if there is none.

        What is left of a reservation is good until its minute ends; whether there is a ban is asked every time.
        """
        weight = min(weight, self._limit)
        with self._paying:
            moment = self._now()
            minute = int(moment.timestamp() // 60)
            if minute != self._minute:
                self._left, self._minute = 0, minute
            missing = weight - self._left
            lot = max(missing, min(weight * CALLS_AHEAD, self._limit // LOTS)) if missing > 0 else 0
            self._budgets.reserve(self.exchange_id, lot, self._limit, moment)
            self._left += lot - weight
