"""What a cache did: counted by every worker for itself from its start, and summed over all of them by the day."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class CacheFigures:
    """Requests, how they were answered, and what that cost and saved in read units (eventually consistent halves).

    Every request is one of `near_hits` (in the worker), `shared_hits` (in the table), `waited_hits` (somebody else read
    it meanwhile), `stale_answers` (given with their age while somebody reads), `recomputed` and `bypassed` (the cache
    failed or everybody waited in vain). `age_seconds` are the ages of all kept answers together, `spent_read_units` the
    cache's own reads, `recomputed_read_units` what was read anew took. All of them add up.
    """

    requests: int = 0
    near_hits: int = 0
    shared_hits: int = 0
    waited_hits: int = 0
    stale_answers: int = 0
    recomputed: int = 0
    bypassed: int = 0
    evictions: int = 0
    age_seconds: int = 0
    saved_read_units: float = 0.0
    spent_read_units: float = 0.0
    recomputed_read_units: float = 0.0

    @property
    def hit_rate(self) -> float:
        """The share of requests that read nothing from the tables themselves; 0 before the first."""
        return 1 - (self.recomputed + self.bypassed) / self.requests if self.requests else 0.0

    @property
    def mean_age_seconds(self) -> float:
        """How old a kept answer was on average; 0 before the first."""
        kept = self.requests - self.recomputed - self.bypassed
        return self.age_seconds / kept if kept > 0 else 0.0

    def counted(self) -> dict[str, float]:
        """Return every figure by name."""
        return asdict(self)


def cost_of_warming(grown: Mapping[str, float]) -> dict[str, float]:
    """Return what a worker that warms the cache adds to the figures of all, of what grew of its own.

    Nobody asked it, so it saved nobody anything: what it read is what the cache itself costs, and no more is counted.
    """
    units = sum(grown.get(name, 0.0) for name in ("spent_read_units", "recomputed_read_units"))
    return {"spent_read_units": units} if units else {}


class Increments:
    """What grew of a worker's figures between one telling and the next.

    Parameters
    ----------
    figures : CacheFigures
        What is counted on.
    """

    def __init__(self, figures: CacheFigures) -> None:
        self._figures = figures
        self._told: Mapping[str, float] = CacheFigures().counted()

    def take(self) -> dict[str, float]:
        """Return what grew since the last call, and by how much."""
        now = self._figures.counted()
        grown = {name: value - self._told[name] for name, value in now.items()}
        self._told = now
        return {name: value for name, value in grown.items() if value}
