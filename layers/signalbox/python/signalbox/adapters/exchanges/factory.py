"""Exchanges, as the settings say."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from signalbox.adapters.exchanges.candle_paging import CandlePaging
from signalbox.adapters.exchanges.ccxt_client import open_client
from signalbox.adapters.exchanges.ccxt_exchange import CcxtExchange
from signalbox.adapters.exchanges.retrying import BanList, Retrying
from signalbox.settings import Settings

BY_WINDOW = frozenset({"bybit", "okx"})
"""Exchanges that answer the newest candles of a window of time, where others answer the first from a moment on."""

_bans = BanList()


def open_exchange(
    exchange_id: str, settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> CcxtExchange:
    """Return an exchange, ready to be called; nothing but that exchange's part of ccxt is imported.

    Every exchange opened in this process shares one ban list. Keep what is returned: it holds the connections and the
    markets.

    Parameters
    ----------
    exchange_id : str
        ccxt's id, such as `"binance"`.
    settings : Settings
        `exchange_endpoint` and `exchange_rate_limit_ms` are used.
    now : callable
        The system clock (aware).

    Raises
    ------
    InvalidValueError
        If ccxt has no such exchange, or none whose prices have a step.
    """
    client = open_client(
        exchange_id, endpoint=settings.exchange_endpoint, rate_limit_ms=settings.exchange_rate_limit_ms
    )
    return CcxtExchange(
        client, CandlePaging(_page_size(client), exchange_id in BY_WINDOW), Retrying(bans=_bans), now=now
    )


def _page_size(client: Any) -> int:
    """Return how many candles one call gives: as ccxt states it, else the 100 that every exchange gives."""
    spot = (client.features or {}).get("spot") or {}
    return int((spot.get("fetchOHLCV") or {}).get("limit") or 100)
