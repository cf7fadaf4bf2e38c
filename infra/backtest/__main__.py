"""`python -m infra.backtest [--data FILE] [--strategy NAMES] [--from DAY] [--to DAY]`: what `make backtest` runs."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from infra.backtest.candles import SIMULATED, Material, load, open_tape
from infra.backtest.page import render
from infra.backtest.report import make_report
from infra.backtest.terminal import show
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.strategies.registry import strategy
from signalbox.services.backtest import BacktestSettings, backtest
from signalbox.services.generate_signals import Provenance

BUILD = Path("build")
_LOG_WIDTH = 130

Stage = Callable[[str, int, int], None]


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_LOG_WIDTH)
    began = time.monotonic()
    try:
        report = _run(options, console)
    except InvalidValueError as e:
        console.print(f"signalbox: {e}", style="red", markup=False, soft_wrap=True)
        return 1
    options.build.mkdir(parents=True, exist_ok=True)
    (options.build / "backtest.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    page = options.build / "backtest.html"
    page.write_text(render(report), encoding="utf-8")
    show(report, console)
    console.print(f"{time.monotonic() - began:.1f} s. Page: {page.resolve().as_uri()}", soft_wrap=True)
    return 0


def _run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    shown = [strategy(name).name for name in options.strategy.replace(",", " ").split()]
    settings = BacktestSettings()
    with _progress(console) as stage:
        stage("reading candles", 0, 1)
        material: Material = load(
            open_tape(options.data or SIMULATED, options.seed),
            timeframe=Timeframe.of(options.timeframe),
            since=_moment(options.since),
            until=_moment(options.until),
            warm_up_candles=settings.warm_up_candles,
            progress=lambda done, total: stage("reading candles", done, total),
        )
        run = backtest(
            material.grid,
            price_steps=material.price_steps,
            start=material.start,
            end=material.end,
            provenance=Provenance(material.origin, "backtest"),
            settings=settings,
            finer=material.finer,
            progress=stage,
        )
        stage("figures", 0, 1)
        report = make_report(material, run, settings, seed=options.seed, shown=shown)
        stage("figures", 1, 1)
    return report


@contextmanager
def _progress(console: Console) -> Iterator[Stage]:
    """Yield a function that shows one bar per stage; without a terminal it shows nothing."""
    bars = Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    tasks: dict[str, Any] = {}
    with bars:

        def stage(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield stage


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.backtest", description="Signalbox over stored candles")
    parser.add_argument("--data", default="", help="file or folder of candles (default: the simulated market)")
    parser.add_argument(
        "--strategy", default="", help="what to report, by name (default: all; the coin is always there)"
    )
    parser.add_argument("--from", dest="since", default="", help="first day, 2024-01-31")
    parser.add_argument("--to", dest="until", default="", help="the day after the last, 2024-02-28")
    parser.add_argument("--timeframe", default="1h", help="of the signals (default: 1h)")
    parser.add_argument("--seed", type=int, default=7, help="of the simulated market (default: 7)")
    parser.add_argument("--build", type=Path, default=BUILD, help="folder of the report (default: build)")
    return parser


def _moment(text: str) -> datetime | None:
    """Return the moment of a day or an ISO 8601 text, None for an empty one."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return from_iso(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
