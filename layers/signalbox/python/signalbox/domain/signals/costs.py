"""What a round trip costs: assumed, stored with every ending, and the same for every signal so that figures compare."""

from dataclasses import dataclass
from math import isfinite

from signalbox.domain.errors import InvalidValueError

_BASIS_POINT = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What each of the two sides of a trade costs, in basis points of the price at which it is done.

    Attributes
    ----------
    fee_bps : float, default 10
        The exchange's fee. Ten is the taker fee that large spot exchanges ask of a new account.
    half_spread_bps : float, default 1
        Half of bid-ask: candles are made of trades, and a market order gets the far side. Liquid pairs quote 0.1 to
        2 bps; the default is taken from the wide end.
    slippage_bps : float, default 2
        What is lost between deciding and filling. A small order in a liquid pair loses 0 to 3 bps.

    Raises
    ------
    InvalidValueError
        If a cost is negative or not finite.
    """

    fee_bps: float = 10.0
    half_spread_bps: float = 1.0
    slippage_bps: float = 2.0

    def __post_init__(self) -> None:
        parts = (self.fee_bps, self.half_spread_bps, self.slippage_bps)
        if not all(isfinite(part) and part >= 0 for part in parts):
            raise InvalidValueError(f"costs must be finite and not negative, were {self}")

    @property
    def side_fraction(self) -> float:
        """What one side costs, as a fraction of its price."""
        return (self.fee_bps + self.half_spread_bps + self.slippage_bps) * _BASIS_POINT

    def in_r(self, filled_price: float, exit_price: float, stop_loss: float) -> float:
        """Return what going in at `filled_price` and out at `exit_price` costs, in R; raise InvalidValueError if the
        fill lies on the stop, where R has no meaning."""
        risk = abs(filled_price - stop_loss)
        if risk == 0:
            raise InvalidValueError(f"filled_price must differ from stop_loss, both were {stop_loss}")
        return self.side_fraction * (filled_price + exit_price) / risk


DEFAULT_COSTS = Costs()
"""26 basis points for a round trip: deliberately not the cheapest account."""
