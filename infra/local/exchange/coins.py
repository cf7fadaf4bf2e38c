"""The coins of the simulated market. Levels, volumes and price steps are of the size real ones had; the path is not."""

import math
from typing import NamedTuple


class Coin(NamedTuple):
    """A simulated symbol.

    `price` is the level (USDT) it wanders around, `turnover` its daily volume in million USDT, `beta` its share in the
    moves of the whole market, `deviation` the daily standard deviation of its own moves.
    """

    base: str
    price: float
    turnover: float
    beta: float
    deviation: float
    price_decimals: int
    amount_decimals: int

    @property
    def symbol(self) -> str:
        """The unified symbol."""
        return f"{self.base}/USDT"

    @property
    def half_spread(self) -> float:
        """Half the distance of bid and ask, as a share of the price: the less is traded, the wider."""
        return min(1e-3, max(1e-5, 4e-4 * math.sqrt(10.0 / self.turnover)))


LASTING = (
    Coin("BTC", 62_000.0, 1_600.0, 0.85, 0.006, 2, 5),
    Coin("ETH", 3_100.0, 900.0, 1.0, 0.011, 2, 4),
    Coin("SOL", 145.0, 420.0, 1.25, 0.022, 2, 3),
    Coin("BNB", 560.0, 190.0, 0.8, 0.012, 1, 3),
    Coin("XRP", 0.58, 240.0, 0.95, 0.018, 4, 0),
    Coin("DOGE", 0.135, 210.0, 1.2, 0.022, 5, 0),
    Coin("ADA", 0.46, 85.0, 1.1, 0.017, 4, 1),
    Coin("AVAX", 31.0, 75.0, 1.25, 0.02, 2, 2),
    Coin("LINK", 14.5, 70.0, 1.15, 0.02, 2, 2),
    Coin("LTC", 79.0, 60.0, 0.9, 0.015, 2, 3),
    Coin("DOT", 6.4, 45.0, 1.1, 0.017, 3, 2),
    Coin("TRX", 0.122, 50.0, 0.45, 0.01, 4, 1),
    Coin("BCH", 410.0, 40.0, 1.0, 0.018, 1, 3),
    Coin("NEAR", 5.4, 48.0, 1.3, 0.026, 3, 1),
    Coin("UNI", 8.1, 36.0, 1.2, 0.025, 3, 2),
    Coin("ATOM", 7.6, 24.0, 1.1, 0.018, 3, 2),
    Coin("ETC", 24.5, 26.0, 1.05, 0.018, 2, 2),
    Coin("FIL", 5.1, 28.0, 1.2, 0.021, 3, 2),
    Coin("ARB", 0.92, 33.0, 1.3, 0.024, 4, 1),
    Coin("OP", 2.1, 31.0, 1.35, 0.026, 3, 2),
    Coin("INJ", 24.0, 22.0, 1.4, 0.03, 2, 2),
    Coin("AAVE", 98.0, 21.0, 1.2, 0.024, 2, 3),
    Coin("SHIB", 0.0000188, 95.0, 1.25, 0.024, 8, 0),
    Coin("PEPE", 0.0000112, 160.0, 1.45, 0.038, 8, 0),
    Coin("ALGO", 0.165, 12.0, 1.1, 0.018, 4, 0),
    Coin("SAND", 0.36, 9.0, 1.2, 0.022, 4, 0),
    Coin("CRV", 0.34, 11.0, 1.2, 0.028, 4, 1),
    Coin("ENJ", 0.21, 3.5, 1.15, 0.023, 4, 1),
)
"""Listed all the time."""

PASSING = (
    Coin("WAVES", 1.9, 5.0, 1.1, 0.03, 3, 2),
    Coin("OMG", 0.55, 2.5, 1.1, 0.027, 4, 2),
    Coin("XEM", 0.031, 2.0, 1.0, 0.028, 5, 0),
    Coin("FTT", 1.4, 6.0, 1.2, 0.04, 3, 2),
    Coin("REEF", 0.0019, 3.0, 1.2, 0.035, 6, 0),
    Coin("LOOM", 0.068, 2.2, 1.1, 0.033, 5, 0),
)
"""Listed anew for twenty days in every thirty, five days after each other: one is always young, one lately gone."""
