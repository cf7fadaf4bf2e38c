"""Exchanges, as the settings say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from signalbox.adapters.exchanges.budgeted import SHARE, UNKNOWN, WEIGHTS, BudgetedExchange, Weights
from signalbox.adapters.exchanges.candle_paging import CandlePaging
from signalbox.adapters.exchanges.ccxt_client import open_client
from signalbox.adapters.exchanges.ccxt_exchange import CcxtExchange
from signalbox.adapters.exchanges.retrying import BanList, Retrying
from signalbox.ports.market import Exchange, ExchangeBudgets
from signalbox.settings import Settings

BY_WINDOW = frozenset({"bybit", "okx"})
"""Exchanges that answer the newest candles of a window of time, where others answer the first from a moment on."""

_retrying = Retrying(bans=BanList())


def open_exchange(
    exchange_id: str,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    retrying: Retrying = _retrying,
) -> CcxtExchange:
    """Return an exchange, ready to be called; nothing but that exchange's part of ccxt is imported.

    Every exchange opened in this process shares one ban list, unless it is given another. Keep what is returned: it
    holds the connections and the markets.

    Parameters
    ----------
    exchange_id : str
        ccxt's id, such as `"binance"`.
    settings : Settings
        `exchange_endpoint` and `exchange_rate_limit_ms` are used.
    now : callable
        The system clock (aware).
    retrying : Retrying, optional
        How calls are tried again, and until when none may be made.

    Raises
    ------
    InvalidValueError
        If ccxt has no such exchange, or none whose prices have a step.
    """
    client = open_client(
        exchange_id, endpoint=settings.exchange_endpoint, rate_limit_ms=settings.exchange_rate_limit_ms
    )
    return CcxtExchange(client, CandlePaging(_page_size(client), exchange_id in BY_WINDOW), retrying, now=now)


def open_budgeted_exchange(
    exchange_id: str,
    settings: Settings,
    budgets: ExchangeBudgets,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Exchange:
    """Return an exchange whose calls are paid for out of `budgets` and whose bans all workers keep.

    Parameters
    ----------
    exchange_id, settings
        As of `open_exchange`. `exchange_rate_limit_ms` is taken as what a unit of weight costs, in place of the known
        limits of the exchange.
    budgets : ExchangeBudgets
        Shared by all workers.
    now : callable
        The wall clock (aware).

    Raises
    ------
    InvalidValueError
        As `open_exchange`.
    """
    bans = BanList(announce=lambda banned, seconds: budgets.ban(banned, now() + timedelta(seconds=seconds)))
    weights = WEIGHTS.get(exchange_id, UNKNOWN)
    limit = _limit(weights, settings.exchange_rate_limit_ms)
    # What a retry costs comes out of the share that budgets leave for it: only a ban can forbid it.
    retrying = Retrying(bans=bans, before_retry=lambda asked: budgets.reserve(asked, 0, limit, now()))
    return BudgetedExchange(open_exchange(exchange_id, settings, retrying=retrying), budgets, weights, limit, now=now)


def _limit(weights: Weights, rate_limit_ms: int | None) -> int:
    """Return what all workers together may spend in a minute."""
    if rate_limit_ms is None:
        return int(weights.per_minute * SHARE)
    return 60_000 // max(1, rate_limit_ms) * weights.quotes


def _page_size(client: Any) -> int:
    """Return how many candles one call gives: as ccxt states it, else the 100 that every exchange gives."""
    spot = (client.features or {}).get("spot") or {}
    return int((spot.get("fetchOHLCV") or {}).get("limit") or 100)
