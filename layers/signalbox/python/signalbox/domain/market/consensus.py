"""Consensus price: one validated price per symbol from the quotes of several exchanges, with its provenance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ConsensusPrice:
    """The validated price of one symbol (quote currency), and where it came from.

    `used` are the exchanges whose quotes count, `rejected` says of each other one why not. `low_trust` marks a price
    that rests on one exchange, or on two that disagree. `time` is the newest quote's, epoch ms.
    """

    symbol: str
    price: float
    time: int
    used: tuple[str, ...]
    rejected: Mapping[str, str]
    low_trust: bool


@dataclass(frozen=True, slots=True)
class PriceFrame:
    """The consensus prices of a bucket's symbols in one cycle. A symbol without a price is absent."""

    bucket: int
    as_of: datetime
    prices: Mapping[str, ConsensusPrice]
