"""How often strategies and the regimes that gate them were tuned, and on what: a backtest there is no test of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Tuning:
    """One span of real candles on which thresholds were chosen. `rounds` counts the variants tried, from memory, and is
    None where nobody counted."""

    start: datetime
    end: datetime
    rounds: int | None
    what: str

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Return whether [start, end) shares a moment with the span."""
        return start < self.end and end > self.start


TUNED: Final = (
    Tuning(
        start=datetime(2024, 1, 1, tzinfo=UTC),
        end=datetime(2024, 7, 1, tzinfo=UTC),
        rounds=6,
        what="thresholds of the strategies and of the selection, on 74 symbols of 1h candles",
    ),
    Tuning(
        start=datetime(2020, 9, 20, tzinfo=UTC),
        end=datetime(2024, 7, 1, tzinfo=UTC),
        rounds=None,
        what="dwell, window and thresholds of the regimes that gate every signal, on five majors of 1h candles",
    ),
)
"""Add to this whenever thresholds are changed after looking at outcomes; never take away."""

VARIANTS_TRIED: Final = sum(tuning.rounds for tuning in TUNED if tuning.rounds is not None)
"""At least so many: those that were counted."""
