"""Quotes: what one exchange says a symbol trades at now."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quote:
    """Bid, ask and last price (quote currency) of one symbol on one exchange at one time (epoch ms).

    A value the exchange did not give is None; whether a quote is a price at all is for the consensus to judge.
    """

    symbol: str
    exchange: str
    time: int | None
    bid: float | None
    ask: float | None
    last: float | None
    quote_volume: float | None = None
