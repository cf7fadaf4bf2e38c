"""Any exchange that ccxt knows, as `ports.Exchange`."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from signalbox.adapters.exchanges.candle_paging import CandlePaging, Row
from signalbox.adapters.exchanges.ccxt_client import watch_replies
from signalbox.adapters.exchanges.ccxt_import import ccxt_errors
from signalbox.adapters.exchanges.errors import to_signalbox_error
from signalbox.adapters.exchanges.retrying import Retrying
from signalbox.domain.errors import InvalidValueError, UnknownSymbolError
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import Market

MARKETS_LIFE_SECONDS = 3600.0

NAMED_QUOTES = 100
"""Above this many symbols all quotes are asked for: Binance charges as much for both then, and addresses stay short."""

# ccxt's precision modes.
_DECIMAL_PLACES = 2
_TICK_SIZE = 4

# What ccxt's reading of a reply raises when the reply is JSON of another shape than it expects.
_MISREADINGS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class CcxtExchange:
    """Implements `ports.Exchange` on ccxt's synchronous client.

    Parameters
    ----------
    client : ccxt.Exchange
        As `ccxt_client.open_client` makes it. Its `requests.Session` is kept, and with it the connections.
    paging : CandlePaging
        How this exchange hands out candles.
    retrying : Retrying
        Shares its ban list with everybody who calls the same exchange from this process.
    now : callable
        The system clock (aware).
    monotonic : callable
        Seconds, for the age of the markets.
    """

    def __init__(
        self,
        client: Any,
        paging: CandlePaging,
        retrying: Retrying,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if client.precisionMode not in (_DECIMAL_PLACES, _TICK_SIZE):
            raise InvalidValueError(
                f"exchange must state price steps or decimal places, {client.id} counts significant digits"
            )
        self._client = client
        self._paging = paging
        self._retrying = retrying
        self._now = now
        self._monotonic = monotonic
        self._last = watch_replies(client)
        self._failures = (ccxt_errors().BaseError, *_MISREADINGS)
        self._markets: dict[str, Market] = {}
        self._markets_until = -math.inf

    @property
    def exchange_id(self) -> str:
        """ccxt's id."""
        return str(self._client.id)

    def markets(self) -> Mapping[str, Market]:
        """Return the spot markets by symbol, read from the exchange at most once an hour.

        Halted and delisted ones are marked inactive. A market that states no price step is left out.
        """
        if self._monotonic() >= self._markets_until:
            listed = self._ask(lambda: self._client.load_markets(reload=True))
            self._markets = {
                market.symbol: market for raw in listed.values() if (market := self._market(raw)) is not None
            }
            self._markets_until = self._monotonic() + MARKETS_LIFE_SECONDS
        return self._markets

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        """Return the first `limit` candles from open time `since` (epoch ms) on, oldest first, the open one included.

        Candles that the exchange does not have, or gives incomplete, are missing here too. Kraken keeps 720 of them.

        Raises
        ------
        UnknownSymbolError, RateLimitedError, ExchangeUnavailableError, ExchangeRefusedError, ExchangeReplyError
            As in `ports.Exchange`; transient ones after the retries.
        InvalidValueError
            If `limit` is negative, or the exchange has no such timeframe.
        """
        if limit < 0:
            raise InvalidValueError(f"limit must not be negative, was {limit}")
        if timeframe not in self._client.timeframes:
            raise InvalidValueError(f"timeframe must be one that {self.exchange_id} has, was {timeframe}")
        if symbol not in self.markets():
            raise UnknownSymbolError(f"symbol must be a spot market of {self.exchange_id}, was {symbol!r}")

        def fetch(first: int, count: int, until: int | None) -> list[Row]:
            params = {} if until is None else {"until": until}
            rows: list[Row] = self._ask(lambda: self._client.fetch_ohlcv(symbol, str(timeframe), first, count, params))
            return rows

        now_ms = int(self._now().timestamp() * 1000)
        return self._paging.collect(fetch, since, limit, timeframe.milliseconds, now_ms)

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the quotes of those of `symbols` that trade here, by symbol, in one call where the exchange can.

        A halted market has no quote: its last one is old, and not every exchange says how old.
        """
        markets = self.markets()
        wanted = [symbol for symbol in dict.fromkeys(symbols) if symbol in markets and markets[symbol].active]
        if not wanted:
            return {}
        tickers = self._tickers(wanted)
        return {symbol: self._quote(symbol, tickers[symbol]) for symbol in wanted if tickers.get(symbol)}

    def _tickers(self, symbols: list[str]) -> Mapping[str, Any]:
        fetch_tickers, fetch_ticker = self._client.fetch_tickers, self._client.fetch_ticker
        if not self._client.has["fetchTickers"]:
            return {symbol: self._ask(partial(fetch_ticker, symbol)) for symbol in symbols}
        if len(symbols) <= NAMED_QUOTES:
            try:
                named: Mapping[str, Any] = self._ask(lambda: fetch_tickers(symbols))
            except UnknownSymbolError:
                # One was delisted since the markets were read, and the exchange refuses all for it.
                self._markets_until = -math.inf
            else:
                return named
        everything: Mapping[str, Any] = self._ask(lambda: fetch_tickers(None))
        return everything

    def _ask(self, action: Callable[[], Any]) -> Any:
        """Return what `action` gets from the exchange; raise Signalbox's errors, transient ones after retries."""

        def attempt() -> Any:
            self._last.reply = None
            try:
                return action()
            except self._failures as e:
                raise to_signalbox_error(e, self.exchange_id, self._last.reply, self._now()) from e

        return self._retrying.call(self.exchange_id, attempt)

    def _market(self, raw: Mapping[str, Any]) -> Market | None:
        step = self._price_step(raw["precision"].get("price"))
        if not raw.get("spot") or step is None:
            return None
        return Market(raw["symbol"], raw.get("active") is not False, step)

    def _price_step(self, precision: float | None) -> Decimal | None:
        if precision is None:
            return None
        # The shortest text of a float is the decimal text it was read from.
        stated = Decimal(str(precision))
        step = Decimal(1).scaleb(-int(stated)) if self._client.precisionMode == _DECIMAL_PLACES else stated
        return step if step > 0 else None

    def _quote(self, symbol: str, ticker: Mapping[str, Any]) -> Quote:
        at = ticker.get("timestamp")
        return Quote(
            symbol=symbol,
            exchange=self.exchange_id,
            time=int(at) if at else None,
            bid=_finite(ticker.get("bid")),
            ask=_finite(ticker.get("ask")),
            last=_finite(ticker.get("last")),
            quote_volume=_finite(ticker.get("quoteVolume")),
        )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
