"""What a cache did: counted by every worker for itself, from its start."""

from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class CacheFigures:
    """Requests, how they were answered, and what that cost and saved in read units (eventually consistent halves).

    Every request is one of `near_hits` (in the worker), `shared_hits` (in the table), `waited_hits` (somebody else read
    it meanwhile), `stale_answers` (given with their age while somebody reads), `recomputed` and `bypassed` (the cache
    failed or everybody waited in vain). `spent_read_units` are the cache's own reads.
    """

    requests: int = 0
    near_hits: int = 0
    shared_hits: int = 0
    waited_hits: int = 0
    stale_answers: int = 0
    recomputed: int = 0
    bypassed: int = 0
    evictions: int = 0
    saved_read_units: float = 0.0
    spent_read_units: float = 0.0
    oldest_answer_seconds: int = 0
    _told: dict[str, float] = field(default_factory=dict, repr=False)

    @property
    def hit_rate(self) -> float:
        """The share of requests that read nothing from the tables themselves; 0 before the first."""
        return 1 - (self.recomputed + self.bypassed) / self.requests if self.requests else 0.0

    def news(self) -> dict[str, float]:
        """Return what grew since the last call, and by how much: what is to be told as metrics."""
        now = {name: value for name, value in asdict(self).items() if name != "_told"}
        grown = {name: value - self._told.get(name, 0) for name, value in now.items()}
        self._told = now
        return {name: value for name, value in grown.items() if value}
