"""What a subject of the benchmark finds: figures with a verdict, what was skipped and why, tables, and losses."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and its target.

    Attributes
    ----------
    name : str
        `subject.what`, as the issues spell it.
    value : float
        A ratio taken inside one run, or a count; never a bare time.
    better : "higher" or "lower"
        Which side of the target is good.
    target : float
        What it must reach.
    how : str
        What was compared with what, in one sentence that a stranger can repeat.
    """

    name: str
    value: float
    better: Better
    target: float
    how: str

    @property
    def holds(self) -> bool:
        """Whether the value reaches the target; a value that is NaN never does."""
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Return the figure as it stands in `bench.json`."""
        return {
            "name": self.name,
            "value": self.value,
            "better": self.better,
            "target": self.target,
            "holds": self.holds,
            "how": self.how,
        }


@dataclass(frozen=True, slots=True)
class Skip:
    """A figure, or a whole subject, that could not be measured here, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers behind the figures; every cell is text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that one subject gives. `losses` says in plain sentences where a rival is better."""

    figures: tuple[Figure, ...] = ()
    skipped: tuple[Skip, ...] = ()
    tables: tuple[Table, ...] = ()
    losses: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the findings as JSON's own types, for the process that asked."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the findings that `to_json` wrote."""
        return cls(
            figures=tuple(Figure(**each) for each in data["figures"]),
            skipped=tuple(Skip(**each) for each in data["skipped"]),
            tables=tuple(
                Table(each["title"], tuple(each["columns"]), tuple(map(tuple, each["rows"]))) for each in data["tables"]
            ),
            losses=tuple(data["losses"]),
        )
