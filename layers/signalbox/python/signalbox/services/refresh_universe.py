"""Keep the universe current: once a day, or when there is none, ask the exchanges what they trade."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from signalbox.domain.errors import ExchangeUnavailableError, SignalboxError
from signalbox.domain.universe.selection import Listing, choose_symbols, next_universe
from signalbox.domain.universe.universe import Universe
from signalbox.ports.market import Exchange
from signalbox.ports.work import UniverseRepository

REFRESH_AFTER = timedelta(days=1)


def current_universe(
    universes: UniverseRepository,
    exchanges: Sequence[Exchange],
    *,
    at: datetime,
    symbols: Sequence[str],
    size: int,
    quote_currency: str,
) -> Universe:
    """Return the universe in force at `at`, refreshed if it is a day old.

    `symbols` fixes the watch list; where it is empty, the `size` largest by quote volume on the first exchange are
    watched. The version in force stays in force while the first exchange does not answer.

    Raises
    ------
    ExchangeUnavailableError
        If there is no version yet and the first exchange does not answer.
    """
    before = universes.current(at)
    if before is not None and at - before.since < REFRESH_AFTER:
        return before
    listings: dict[str, Listing] = {}
    for exchange in exchanges:
        with suppress(SignalboxError):
            listings[exchange.exchange_id] = {name: market.active for name, market in exchange.markets().items()}
    first = exchanges[0]
    if first.exchange_id not in listings:
        if before is not None:
            return before
        raise ExchangeUnavailableError(f"{first.exchange_id} must answer to choose the first universe, did not")
    chosen = list(symbols) or _largest(first, listings[first.exchange_id], quote_currency, size)
    universe = next_universe(before, chosen, listings, since=at)
    # Two planners at one moment: the version that was stored first is everybody's.
    return universe if universes.add(universe) else universes.current(at) or universe


def _largest(exchange: Exchange, listing: Listing, quote_currency: str, size: int) -> list[str]:
    traded = sorted(symbol for symbol, trades in listing.items() if trades)
    volumes = {symbol: quote.quote_volume or 0.0 for symbol, quote in exchange.quotes(traded).items()}
    return choose_symbols(volumes, quote_currency, size)
