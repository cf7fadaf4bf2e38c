"""Quote checks: whether a quote is a price at all, judged on its own, before it is compared with others."""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from signalbox.domain.market.quotes import Quote


class Rejection(StrEnum):
    """Why an exchange's quote does not count in a consensus."""

    NO_PRICE = "no_price"
    NOT_A_PRICE = "not_a_price"
    STALE = "stale"
    IN_FUTURE = "in_future"
    CROSSED = "crossed"
    WIDE_SPREAD = "wide_spread"
    FROZEN = "frozen"
    OUTLIER = "outlier"
    DISAGREES = "disagrees"
    JUMPED = "jumped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusLimits:
    """How far apart prices may lie and still be believed. Shares are fractions of the price.

    Attributes
    ----------
    max_age_ms : int, default 90 s
        Older quotes are stale: one and a half cycles, so that one late answer is not a rejection.
    max_ahead_ms : int, default 5 s
        Quotes from further ahead are from a clock that is wrong.
    max_spread : float, default 2 %
        A wider bid-ask says nothing about the price.
    deviations : float, default 3.5
        Of 1.4826 * MAD, beyond which a price is an outlier (Iglewicz and Hoaglin's limit).
    floor : float, default 0.5 %
        Within this distance of the median no price is an outlier, however close together the others lie; also within
        this distance two exchanges agree.
    frozen_move : float, default 0.3 %
        An exchange whose price has not changed while the median of at least two others moved further is frozen.
    max_jump : float, default 5 %
        A price that fewer than two exchanges vouch for, or that one still denies, may differ from the last valid one by
        no more.
    max_reference_age_ms : int, default 5 min
        An older last valid price is no longer compared with: a lone exchange is believed again after that.
    """

    max_age_ms: int = 90_000
    max_ahead_ms: int = 5_000
    max_spread: float = 0.02
    deviations: float = 3.5
    floor: float = 0.005
    frozen_move: float = 0.003
    max_jump: float = 0.05
    max_reference_age_ms: int = 300_000


DEFAULT_LIMITS = ConsensusLimits()


class Reading(NamedTuple):
    """What a quote says: a price in quote currency, its time (epoch ms, None if the exchange gave none) and the traded
    volume behind it (quote currency, None if unknown)."""

    price: float
    exchange: str
    time: int | None
    volume: float | None


def read_quote(quote: Quote, now_ms: int, limits: ConsensusLimits) -> Reading | Rejection:
    """Return what `quote` says at `now_ms` (epoch ms), or why it says nothing.

    The price is the middle of bid and ask where both are given, else the last trade. A quote without a time counts as
    taken now: some exchanges give none, and being frozen shows in the price.
    """
    volume = quote.quote_volume
    if volume is not None and not (isfinite(volume) and volume > 0):
        volume = None
    fault = _fault(quote, now_ms, limits)
    if fault is not None:
        return fault
    if quote.bid is None or quote.ask is None:
        return Rejection.NO_PRICE if quote.last is None else Reading(quote.last, quote.exchange, quote.time, volume)
    # Half first: the sum of two huge finite numbers may not be finite.
    middle = quote.bid / 2 + quote.ask / 2
    if quote.ask - quote.bid > limits.max_spread * middle:
        return Rejection.WIDE_SPREAD
    return Reading(middle, quote.exchange, quote.time, volume)


def _fault(quote: Quote, now_ms: int, limits: ConsensusLimits) -> Rejection | None:
    given = [value for value in (quote.bid, quote.ask, quote.last) if value is not None]
    faults = (
        (not all(isfinite(value) and value > 0 for value in given), Rejection.NOT_A_PRICE),
        (quote.time is not None and now_ms - quote.time > limits.max_age_ms, Rejection.STALE),
        (quote.time is not None and quote.time - now_ms > limits.max_ahead_ms, Rejection.IN_FUTURE),
        (quote.bid is not None and quote.ask is not None and quote.bid > quote.ask, Rejection.CROSSED),
    )
    return next((rejection for found, rejection in faults if found), None)
