"""Consensus price: one validated price per symbol from the quotes of several exchanges, with its provenance.

The stages: each quote on its own (`quote_checks`); exchanges that stand still while others move; outliers by distance
from the median; then how many are left. What a majority cannot know is not guessed: where too few vouch for a price
that jumped, there is none this cycle, and nothing moves.

- Three or more: an exchange further from the median than `max(deviations * 1.4826 * MAD, floor)` is out, and one that
  was out last time comes back only inside half of that distance.
- Two agree within the floor, or the price is `low_trust`. It is then the one that is nearer to the last valid price if
  they are within `max_jump` of each other, or if it is within `max_jump` of the last valid price; else there is none.
- One: `low_trust`, and no price if it jumped more than `max_jump` from the last valid one.
- A jump of more than `max_jump` that all share is real and is taken as it is. If an exchange still stands within half
  of `max_jump` of the last valid price, it takes three that agree to outvote it: two that are wrong alike move nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import NamedTuple

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.quote_checks import DEFAULT_LIMITS, ConsensusLimits, Reading, Rejection, read_quote
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.standstill import Sighting, is_frozen, sightings_of, time_stands_still

_MAD_TO_DEVIATION = 1.4826
_LEAST_WEIGHT = 0.25


@dataclass(frozen=True, slots=True)
class ConsensusPrice:
    """The validated price of one symbol (quote currency), and where it came from.

    `used` are the exchanges whose quotes count, `rejected` says of each other one why not. `low_trust` marks a price
    that rests on one exchange, or on two that disagree. `time` is the newest quote's, epoch ms. `seen` is what each
    exchange that gave a price showed, for the next cycle's comparison.
    """

    symbol: str
    price: float
    time: int
    used: tuple[str, ...]
    rejected: Mapping[str, str]
    low_trust: bool
    seen: Mapping[str, Sighting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoPrice:
    """What came of quotes of a symbol that give no price. `rejected` says of each exchange why it does not count."""

    symbol: str
    rejected: Mapping[str, str]


class Agreement(NamedTuple):
    """What the exchanges agree on: by symbol the price, or why none of those who quoted it counts."""

    prices: dict[str, ConsensusPrice]
    refused: dict[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class PriceFrame:
    """The consensus prices of a bucket's symbols in one cycle. A symbol without a price is absent from them.

    `silent` says of each exchange that was asked and gave no quotes why not. `asked` are the symbols of the shard that
    made this part of the frame (empty: those that have a price); only a writer knows it. `settled` says of symbols with
    open signals up to which moment (epoch ms) their candles are known to have settled all that they could. `refused`
    says of each symbol that was quoted and has no price why each exchange does not count.
    """

    bucket: int
    as_of: datetime
    prices: Mapping[str, ConsensusPrice]
    silent: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = field(default=(), compare=False)
    settled: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """Return the time of the newest quote behind the prices, epoch ms; 0 if there is none."""
        return max((price.time for price in self.prices.values()), default=0)


def agree(  # noqa: PLR0913  what is known of the last cycle comes in as three plain values
    symbol: str,
    quotes: Sequence[Quote],
    *,
    now_ms: int,
    limits: ConsensusLimits = DEFAULT_LIMITS,
    previously_rejected: frozenset[str] = frozenset(),
    reference: float | None = None,
    seen: Mapping[str, Sighting] | None = None,
) -> ConsensusPrice | NoPrice:
    """Return the price that the exchanges agree on, or why there is none to be had.

    Parameters
    ----------
    symbol : str
        Whose price; every quote must be of it, so that one quote currency is never compared with another.
    quotes : sequence of Quote
        One per exchange, in any order; of several of one exchange the newest counts.
    now_ms : int
        Epoch ms.
    limits : ConsensusLimits
        How far apart prices may lie.
    previously_rejected : frozenset of str
        Exchanges that were out last time.
    reference : float, optional
        The last valid price; None if there is none that is recent.
    seen : mapping of exchange to Sighting, optional
        The last consensus' `seen`; without it no exchange is found frozen.

    Raises
    ------
    InvalidValueError
        If a quote is of another symbol.
    """
    readings, rejected = _read(symbol, quotes, now_ms, limits)
    sightings = sightings_of(readings, seen or {})
    frozen = {reading.exchange for reading in readings if is_frozen(reading, readings, sightings, limits)}
    moving = [reading for reading in readings if reading.exchange not in frozen]
    outliers = _outliers(moving, previously_rejected, limits)
    survivors = [reading for reading in moving if reading.exchange not in outliers]
    believed = _believed(survivors, reference, limits)
    rejected |= dict.fromkeys((r.exchange for r in survivors if r not in believed), Rejection.DISAGREES)
    rejected |= dict.fromkeys(frozen, Rejection.FROZEN) | dict.fromkeys(outliers, Rejection.OUTLIER)
    price = weighted_median(believed) if believed else None
    if price is not None and reference is not None and _share(price, reference) > limits.max_jump:
        vouching = sum(_share(reading.price, price) <= limits.max_jump / 2 for reading in survivors)
        witnesses = [r for r in readings if not (r.exchange in frozen and time_stands_still(r, seen or {}))]
        denied = any(_share(witness.price, reference) <= limits.max_jump / 2 for witness in witnesses)
        if vouching < 2 or (denied and vouching < 3):
            rejected |= dict.fromkeys((reading.exchange for reading in believed), Rejection.JUMPED)
            price = None
    told = {exchange: str(rejected[exchange]) for exchange in sorted(rejected)}
    if price is None:
        return NoPrice(symbol, told)
    return ConsensusPrice(
        symbol=symbol,
        price=price,
        time=min(now_ms, max(now_ms if reading.time is None else reading.time for reading in believed)),
        used=tuple(sorted(reading.exchange for reading in believed)),
        rejected=told,
        low_trust=len(survivors) < 2 or (len(survivors) == 2 and not _agree_closely(survivors, limits)),
        seen=sightings,
    )


def agree_all(
    quotes: Iterable[Quote],
    *,
    now_ms: int,
    limits: ConsensusLimits = DEFAULT_LIMITS,
    previous: Mapping[str, ConsensusPrice] | None = None,
) -> Agreement:
    """Return the consensus price of every symbol that has one, and why each other one that was quoted has none.

    `previous` are the last prices by symbol, of the last cycle or of any before it: a symbol that had none since keeps
    its older one there until it is too old to compare with.
    """
    by_symbol: dict[str, list[Quote]] = {}
    for quote in quotes:
        by_symbol.setdefault(quote.symbol, []).append(quote)
    agreement = Agreement({}, {})
    for symbol in sorted(by_symbol):
        last = (previous or {}).get(symbol)
        if last is not None and now_ms - last.time > limits.max_reference_age_ms:
            last = None
        found = agree(
            symbol,
            by_symbol[symbol],
            now_ms=now_ms,
            limits=limits,
            previously_rejected=frozenset(last.rejected) if last else frozenset(),
            reference=last.price if last else None,
            seen=last.seen if last else None,
        )
        if isinstance(found, ConsensusPrice):
            agreement.prices[symbol] = found
        else:
            agreement.refused[symbol] = found.rejected
    return agreement


def weighted_median(readings: Sequence[Reading]) -> float:
    """Return the median price, each exchange weighted by its traded volume.

    Of three or more, weights are held between a quarter of the median volume and the median volume, so that no exchange
    has half of all weight; an unknown volume counts as the median. Two count alike: the middle between them.
    """
    ordered = sorted(readings)
    if len(ordered) < 3:
        return sum(reading.price / len(ordered) for reading in ordered)
    typical = median([reading.volume for reading in ordered if reading.volume is not None] or [1.0])
    weights = [
        1.0 if reading.volume is None else min(1.0, max(_LEAST_WEIGHT, reading.volume / typical)) for reading in ordered
    ]
    half, below = sum(weights) / 2, 0.0
    for at, weight in enumerate(weights):
        below += weight
        if below == half:
            return ordered[at].price / 2 + ordered[at + 1].price / 2
        if below > half:
            return ordered[at].price
    return ordered[-1].price


def _read(
    symbol: str, quotes: Sequence[Quote], now_ms: int, limits: ConsensusLimits
) -> tuple[list[Reading], dict[str, Rejection]]:
    newest: dict[str, Reading] = {}
    rejected: dict[str, Rejection] = {}
    for quote in quotes:
        if quote.symbol != symbol:
            raise InvalidValueError(f"quotes must be of {symbol}, found one of {quote.symbol} on {quote.exchange}")
        read = read_quote(quote, now_ms, limits)
        if isinstance(read, Rejection):
            rejected[quote.exchange] = max(read, rejected.get(quote.exchange, read))
        else:
            newest[quote.exchange] = max(read, newest.get(quote.exchange, read), key=lambda r: (r.time or 0, r.price))
    return [newest[exchange] for exchange in sorted(newest)], {e: why for e, why in rejected.items() if e not in newest}


def _outliers(readings: Sequence[Reading], previously_rejected: frozenset[str], limits: ConsensusLimits) -> set[str]:
    if len(readings) < 3:
        return set()
    middle = median(reading.price for reading in readings)
    distances = {reading.exchange: abs(reading.price - middle) for reading in readings}
    limit = max(limits.deviations * _MAD_TO_DEVIATION * median(distances.values()), limits.floor * middle)
    return {
        exchange
        for exchange, distance in distances.items()
        if distance > (limit / 2 if exchange in previously_rejected else limit)
    }


def _agree_closely(two: Sequence[Reading], limits: ConsensusLimits) -> bool:
    return _share(two[0].price, two[1].price) <= limits.floor


def _believed(survivors: Sequence[Reading], reference: float | None, limits: ConsensusLimits) -> list[Reading]:
    """Return the survivors that make the price: all, but one or none of two that disagree."""
    if len(survivors) != 2 or _agree_closely(survivors, limits):
        return list(survivors)
    related = _share(survivors[0].price, survivors[1].price) <= limits.max_jump
    if reference is None:
        return list(survivors) if related else []
    nearer = min(survivors, key=lambda reading: (_share(reading.price, reference), reading.price))
    return [nearer] if related or _share(nearer.price, reference) <= limits.max_jump else []


def _share(price: float, base: float) -> float:
    """How far `price` lies from `base`, as a share of the smaller one: the same whichever way round."""
    return abs(price - base) / min(price, base)
