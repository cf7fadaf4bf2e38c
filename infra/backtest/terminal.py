"""The report as a table on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from infra.backtest.words import number, percent, rate_words, spread
from signalbox.domain.signals.signal import NULL_STRATEGY


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print the report: one row a strategy, the coin last, then what stopped candidates, then the caveats."""
    console.print(_title(report), markup=False)
    console.print(_strategies(report["strategies"]))
    console.print(_filters(report["filters"]))
    if report["unfinished"]:
        console.print(f"{report['unfinished']} signals had not lived to their end and are left out.", markup=False)
    for caveat in report["caveats"]:
        console.print(f"- {caveat}", markup=False)


def _title(report: Mapping[str, Any]) -> str:
    return (
        f"\n{report['source']} ({report['origin']}), {report['symbols']} symbols, {report['timeframe']}, "
        f"{report['from']} to {report['to']}: {report['turns']} turns, {report['signals']} signals"
    )


def _strategies(strategies: Mapping[str, Any]) -> Table:
    table = Table(title="R net of costs; intervals 95 %, by day", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("strategy", no_wrap=True)
    for name in ("n", "win rate", "wins/all", "expectancy", "bounded", "profit", "drawdown"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("edge", no_wrap=True, min_width=9)
    for name, one in strategies.items():
        verdict = "base rate" if name == NULL_STRATEGY else one["edge"]["verdict"]
        table.add_row(
            name,
            str(one["booked"]),
            rate_words(one["win_rate"], "\n"),
            percent(one["wins_of_all"]["value"]),
            f"{number(one['expectancy'])}\n{spread(one['expectancy_interval'])}",
            number(one["bounded_expectancy"]),
            number(one["profit_factor"], signed=False),
            number(one["max_drawdown_r"], 1, signed=False),
            verdict,
            style="dim" if name == NULL_STRATEGY else "",
        )
    return table


def _filters(filters: Mapping[str, Any]) -> Table:
    title = "What was not sent, and what it would have come to"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("reason")
    for name in ("candidates", "win rate", "expectancy"):
        table.add_column(name, justify="right")
    for reason, one in filters.items():
        expectancy = f"{number(one['expectancy'])} {spread(one['expectancy_interval'])}"
        table.add_row(reason, str(one["candidates"]), rate_words(one["win_rate"]), expectancy)
    return table
