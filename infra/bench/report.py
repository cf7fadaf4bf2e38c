"""The benchmark's results: a table for the terminal, BENCHMARKS.md, and bench.json."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as TerminalTable

from infra.bench.findings import Figure, Findings, Skip, Table

_VERDICTS = {True: "holds", False: "MISSED"}
_MEANING = """\
# Benchmarks

Written by `make bench`; do not edit. Every speed is a **ratio against a named rival or limit, taken inside one run**:
cases take turns in one process with one thread and the garbage collector off, and the medians of their processor time
are compared. Milliseconds are given only to show where the time goes; they move with the machine, ratios hardly do.

Run it again with `make bench`. `make rivals` first installs the rivals that need an environment of their own, and
`SIGNALBOX_DATA` names a folder of real candles: without it the simulated market's are measured.
"""


def bench_json(findings: Iterable[Findings]) -> str:
    """Return the text of `bench.json`: every figure that was measured, by name."""
    figures = sorted((figure for each in findings for figure in each.figures), key=lambda figure: figure.name)
    return json.dumps({"figures": [figure.to_json() for figure in figures]}, indent=1) + "\n"


def show(found: Mapping[str, Findings], console: Console) -> None:
    """Print every figure with its verdict, then what was skipped, then the tables behind them."""
    table = TerminalTable(title="Figures", title_justify="left", box=SIMPLE_HEAD)
    for column, justify in (("figure", "left"), ("value", "right"), ("target", "right"), ("", "left"), ("how", "left")):
        table.add_column(column, justify=justify, no_wrap=column == "figure")  # type: ignore[arg-type]
    for figure in _figures(found):
        table.add_row(*_cells(figure), figure.how, style="" if figure.holds else "red")
    for skip in _skips(found):
        table.add_row(skip.name, "-", "", "skipped", skip.reason, style="yellow")
    console.print(table)
    for each in _tables(found):
        part = TerminalTable(title=each.title, title_justify="left", box=SIMPLE_HEAD)
        for at, column in enumerate(each.columns):
            part.add_column(column, justify="right" if at else "left")
        for row in each.rows:
            part.add_row(*row)
        console.print(part)


def markdown(found: Mapping[str, Findings], titles: Mapping[str, str], machine: Mapping[str, str], day: str) -> str:
    """Return the text of BENCHMARKS.md.

    Parameters
    ----------
    found : mapping of str to Findings
        By subject.
    titles : mapping of str to str
        What each subject measures.
    machine : mapping of str to str
        Facts about machine and versions.
    day : str
        When it was measured.
    """
    parts = [_MEANING, f"Measured on {day}: {', '.join(f'{name} {fact}' for name, fact in machine.items())}.\n"]
    parts.append("## Figures\n")
    parts.append(_grid(("figure", "value", "target", ""), [_cells(figure) for figure in _figures(found)]))
    skips = _skips(found)
    if skips:
        parts += ["## Skipped\n", _grid(("figure", "why"), [(skip.name, skip.reason) for skip in skips])]
    losses = [loss for each in found.values() for loss in each.losses]
    if losses:
        parts += ["## What we lose at\n", "\n".join(f"- {loss}" for loss in losses) + "\n"]
    for name, findings in found.items():
        parts += _section(titles[name], findings)
    return "\n".join(parts)


def _section(title: str, findings: Findings) -> list[str]:
    parts = [f"## {title}\n"]
    if findings.figures:
        parts.append("\n".join(f"- `{figure.name}`: {figure.how}" for figure in findings.figures) + "\n")
    for table in findings.tables:
        parts += [f"{table.title}:\n", _grid(table.columns, table.rows)]
    return parts if len(parts) > 1 else []


def _grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---", *("---:" for _ in columns[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    bound = "at least" if figure.better == "higher" else "at most"
    return figure.name, f"{figure.value:.3g}", f"{bound} {figure.target:g}", _VERDICTS[figure.holds]


def _figures(found: Mapping[str, Findings]) -> list[Figure]:
    return sorted((figure for each in found.values() for figure in each.figures), key=lambda figure: figure.name)


def _skips(found: Mapping[str, Findings]) -> list[Skip]:
    return [skip for each in found.values() for skip in each.skipped]


def _tables(found: Mapping[str, Findings]) -> list[Table]:
    return [table for each in found.values() for table in each.tables]


def as_milliseconds(seconds: float) -> str:
    """Return a time for a table."""
    return f"{seconds * 1e3:.3f} ms" if seconds < 1e-2 else f"{seconds * 1e3:.1f} ms"


def summary(found: Mapping[str, Findings]) -> dict[str, Any]:
    """Return how many figures hold, were missed, were skipped."""
    figures = _figures(found)
    held = sum(figure.holds for figure in figures)
    return {"held": held, "missed": len(figures) - held, "skipped": len(_skips(found))}
