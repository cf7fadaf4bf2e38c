"""Which signals are asked for, and in which order: one value, whatever it was written as."""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from math import inf

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.words import words_of
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, SignalType, Status


class Sort(StrEnum):
    """What signals are ordered by; those of one quality or confidence by when they were created.

    Sorted by confidence, only signals that have one are there.
    """

    CREATED = "created_at"
    QUALITY = "quality"
    CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Between:
    """The numbers from `low` to `high`, both included. Without bounds it asks for nothing."""

    low: float = -inf
    high: float = inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise InvalidValueError(f"the lowest must not be above the highest, was {self.low:g} above {self.high:g}")

    def __bool__(self) -> bool:
        return self != Between()

    def holds(self, value: float | None) -> bool:
        """Return whether `value` lies between; None does only where nothing is asked for."""
        return not self or (value is not None and self.low <= value <= self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFilter:
    """The signals that fit every field that is set, each by any of its values.

    `regimes` may name a regime (`UP/HIGH`) or one of its axes (`UP`, `HIGH`). `words` must all be among `words_of` the
    signal. The null strategy fits only where `strategies` names it.
    """

    symbols: frozenset[str] = frozenset()
    signal_types: frozenset[SignalType] = frozenset()
    strategies: frozenset[str] = frozenset()
    timeframes: frozenset[Timeframe] = frozenset()
    statuses: frozenset[Status] = frozenset()
    regimes: frozenset[str] = frozenset()
    origins: frozenset[Origin] = frozenset()
    quality: Between = field(default=Between())
    confidence: Between = field(default=Between())
    words: frozenset[str] = frozenset()

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the fields that are set."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name))

    def matches(self, signal: Signal) -> bool:
        """Return whether `signal` is among those asked for."""
        return (
            (signal.strategy in self.strategies if self.strategies else signal.strategy != NULL_STRATEGY)
            and _any(self.symbols, signal.symbol)
            and _any(self.signal_types, signal.signal_type)
            and _any(self.timeframes, signal.timeframe)
            and _any(self.statuses, signal.status)
            and _any(self.origins, signal.origin)
            and (not self.regimes or not self.regimes.isdisjoint({signal.regime, *signal.regime.split("/")}))
            and self.quality.holds(signal.quality_score)
            and self.confidence.holds(signal.confidence)
            and (not self.words or self.words <= words_of(signal))
        )

    def joined(self, other: "SignalFilter") -> "SignalFilter":
        """Return the filter that asks for what either asks for; raise InvalidValueError if both set a field."""
        both = [name for name in self.asked if name in other.asked]
        if both:
            raise InvalidValueError(f"each must be asked for once, {', '.join(both)} was asked for twice")
        values = {name: getattr(one, name) for one in (self, other) for name in one.asked}
        return SignalFilter(**values)

    def spelled(self) -> str:
        """Return a text that equal filters share and different ones do not."""
        return repr([(name, _spell(getattr(self, name))) for name in self.asked])


ANY = SignalFilter()
"""Every signal but those of the null strategy."""


def _any(wanted: frozenset[str], value: str) -> bool:
    return not wanted or value in wanted


def _spell(value: Between | frozenset[str]) -> list[float] | list[str]:
    return [value.low, value.high] if isinstance(value, Between) else sorted(map(str, value))
