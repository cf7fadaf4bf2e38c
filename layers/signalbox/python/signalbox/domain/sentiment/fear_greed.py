"""The Fear & Greed index: shown beside our own sentiment, never mixed into it.

Its publisher makes half of it from price and volume (25 % volatility, 25 % momentum and volume, then social media,
surveys, dominance and search trends), so it is no evidence independent of the market.
"""

from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.errors import InvalidValueError

PARTLY_PRICE_DERIVED = "about half of it is made from price and volume, so it is no evidence independent of the market"


@dataclass(frozen=True, slots=True)
class FearGreed:
    """One day's value, 0 (extreme fear) to 100 (extreme greed). `time` is the day it is for, `known_at` the system
    clock when it was first fetched."""

    value: int
    classification: str
    time: datetime
    known_at: datetime

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 100:
            raise InvalidValueError(f"Fear & Greed must be in 0..100, was {self.value}")
