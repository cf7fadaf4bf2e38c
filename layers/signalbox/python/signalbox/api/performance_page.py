"""The performance as one page to read or to print, which needs nothing else: no script, no font, no other address."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from itertools import zip_longest
from typing import Any

from signalbox.api.performance_style import LINES, STYLE

Document = Mapping[str, Any]
UNKNOWN = "–"
WIDTH, HEIGHT, LEFT, MARGIN, LINE_HEIGHT = 1000, 260, 60, 20, 14

CAVEATS = (
    "Every rate stands beside the coin's: a seeded coin flip over the same symbols, levels and lives.",
    "An edge is shown only where the expectancy clears the coin's after a correction for how many strategies were "
    "looked at.",
    "R are net of assumed fees, spread and slippage. A candle that touched target and stop counts as a stop; the "
    "optimistic figure takes it as a target.",
    "Rates of fewer than 30 signals are called too few. Invalidated signals and data gaps are counted and in no rate.",
    "Every figure can be computed again from /signals/history. The past says little about the future.",
)


def render(document: Document) -> str:
    """Return the page. Everything that comes from the document is escaped.

    Parameters
    ----------
    document : mapping
        What `/signals/api/performance` answers.
    """
    strategies = document["strategies"]
    about = f"from {document['from']} on and before {document['to']}, {document['timeframe'] or 'all timeframes'}"
    parts = [
        f"<header><h1>Signalbox: performance</h1><p>Origin {escape(document['origin'])}; signals created "
        f"{escape(about)}; as of {escape(document['as_of'])}.</p></header>",
        _section("Before you believe a figure", _list(CAVEATS), kind="caveats"),
        _section("Strategies", _strategies(strategies), _verdicts(strategies)),
        _section("Sum of net R, by the day of the ending", _chart(strategies)),
        _section("By month of creation", _months(strategies)),
        _section("By quality score", _quality(strategies)),
        _section("How signals ended", _endings(strategies)),
    ]
    calibrated = [one for one in strategies if one["calibration"]]
    if calibrated:
        parts.append(_section("Calibration of confidences", _calibration(calibrated), _reliability(calibrated)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Signalbox: performance</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head>\n<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _strategies(strategies: Sequence[Document]) -> str:
    head = ("strategy", "edge", "booked", "win rate", "wins / all", "expectancy", "optimistic", "ties", "profit factor",
            "sum of R", "drawdown")  # fmt: skip
    return _table(head, (_strategy(one) for one in strategies))


def _strategy(one: Document) -> list[str]:
    coin = None if one["is_base"] else one["base"]

    def beside(figure: str, base: str, interval: str = "") -> str:
        lines = [figure, f"<small>{interval}</small>" if interval else ""]
        return "".join((*lines, "" if coin is None else f"<small class=coin>coin {base}</small>"))

    base = coin or one
    return [
        _name(one),
        _badge(one["edge"]),
        f"{one['booked']:,}",
        beside(_rate(one["win_rate"]), _rate(base["win_rate"]), _spread_of_rate(one["win_rate"])),
        beside(_rate(one["wins_of_all"]), _rate(base["wins_of_all"]), _spread_of_rate(one["wins_of_all"])),
        beside(_r(one["expectancy"]), _r(base["expectancy"]), _spread(one["expectancy_interval"])),
        beside(_r(one["expectancy_optimistic"]), _r(base["expectancy_optimistic"])),
        beside(_percent(one["ambiguous_share"]), _percent(base["ambiguous_share"])),
        beside(_number(one["profit_factor"]), _number(base["profit_factor"])),
        _r(one["total_r"], 1),
        _number(one["max_drawdown_r"], 1),
    ]


def _badge(edge: Document | None) -> str:
    if edge is None:
        return "the base rate"
    kind = " yes" if edge["verdict"] == "shown" else ""
    return f'<span class="badge{kind}">{escape(edge["verdict"])}</span>'


def _verdicts(strategies: Sequence[Document]) -> str:
    return _list(f"{one['strategy']}: edge {one['edge']['verdict']}; {one['edge']['reason']}." for one in strategies if one["edge"])  # fmt: skip  # noqa: E501


def _months(strategies: Sequence[Document]) -> str:
    of_months = [{month["month"]: month for month in one["months"]} for one in strategies]
    names = sorted({month for of_month in of_months for month in of_month})
    rows = ([month, *(_month(of_month.get(month)) for of_month in of_months)] for month in names)
    return _table(("month", *map(_title, strategies)), rows) + (
        "<p>Win rate, expectancy, each with its 95 % interval, about which quality score, and how many of those booked "
        "the rate is of. The coin's stand in its own column.</p>"
    )


def _month(month: Document | None) -> str:
    if month is None:
        return UNKNOWN
    about = "" if month["quality_about"] is None else f", quality {month['quality_about']:.0f}"
    return _outcome(month, month["booked"], about)


def _quality(strategies: Sequence[Document]) -> str:
    of_bands = [{band["least"]: band for band in one["quality"]} for one in strategies]
    lowest = sorted({least for of_band in of_bands for least in of_band})
    rows = ([f"{least} to {least + 10}", *(_band(of_band.get(least)) for of_band in of_bands)] for least in lowest)
    return _table(("quality score", *map(_title, strategies)), rows)


def _band(band: Document | None) -> str:
    return UNKNOWN if band is None else _outcome(band, band["n"])


def _outcome(found: Document, booked: int, about: str = "") -> str:
    """Return a cell with a win rate and an expectancy, their intervals, and how many of those booked the rate is of."""
    rate, spread = found["win_rate"], _spread(found["expectancy_interval"])
    lines = [_ends(rate), f"{_r(found['expectancy'])} R{about}", spread, f"n {rate['n']:,} of {booked:,}"]
    return f"{_rate(rate)}<small>{'<br>'.join(line for line in lines if line)}</small>"


def _endings(strategies: Sequence[Document]) -> str:
    statuses = list(strategies[0]["endings"])
    head = ("strategy", "ended", *(status.lower().replace("_", " ") for status in statuses), "beyond 5 R")
    return _table(
        head,
        (
            [
                _name(one),
                f"{one['ended']:,}",
                *(f"{one['endings'][status]:,}" for status in statuses),
                f"{one['extreme']:,}<small>{_r(one['extreme_r'], 1)} R</small>",
            ]
            for one in strategies
        ),
    )


def _calibration(strategies: Sequence[Document]) -> str:
    head = ("strategy", "n", "Brier score", "skill", "ECE", "hit rate", "coin's")
    found = ((one, one["calibration"]) for one in strategies)
    return _table(
        head,
        (
            [_name(one), f"{c['n']:,}{' (too few)' if c['too_few'] else ''}", _number(c["brier"], 3),
             _number(c["skill"], 3), _number(c["ece"], 3), *map(_rate_and_spread, (c["hit_rate"], c["base_hit_rate"]))]
            for one, c in found
        ),
    )  # fmt: skip


def _reliability(strategies: Sequence[Document]) -> str:
    """What was said and what came, in bands of as many signals each, the least likely first."""
    tables = [[_observed(band) for band in one["calibration"]["table"]] for one in strategies]
    rows = ([f"band {number}", *cells] for number, cells in enumerate(zip_longest(*tables, fillvalue=UNKNOWN), 1))
    said = "<p>Mean confidence of a band → share of it that hit the target.</p>"
    return said + _table(("likeliest last", *map(_title, strategies)), rows)


def _observed(band: Document) -> str:
    return f"{_percent(band['confidence'])} → {_percent(band['observed'])}<small>n {band['n']:,}</small>"


def _chart(strategies: Sequence[Document]) -> str:
    """The equity curves as one drawing: days across, R up."""
    curves = [(at, one) for at, one in enumerate(strategies) if one["equity_curve"]]
    if not curves:
        return "<p>No signal has ended yet.</p>"
    days = [_ordinal(point) for _, one in curves for point in one["equity_curve"]]
    levels: list[float] = [0.0, *(point["r"] for _, one in curves for point in one["equity_curve"])]
    first, last, low, high = min(days), max(*days, min(days) + 1), min(levels), max(levels)
    height = high - low or 1.0

    def x(day: int) -> float:
        return LEFT + (WIDTH - LEFT - MARGIN) * (day - first) / (last - first)

    def y(level: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (level - low) / height

    lines = []
    for at, one in curves:
        points = [(f"{x(_ordinal(point)):.1f}", f"{y(point['r']):.1f}") for point in one["equity_curve"]]
        along, (end_x, end_y) = " ".join(map(",".join, points)), points[-1]
        lines.append(f'<polyline class="line {_line(at, one)}" points="{along}"/>')
        # All that there is to see of a strategy whose signals ended on one day.
        lines.append(f'<circle class="end {_line(at, one)}" cx="{end_x}" cy="{end_y}" r="3"/>')
    marks = "".join(
        f'<text x="{LEFT - 6}" y="{y(level) + 4:.1f}" text-anchor="end">{level:+.1f}</text>'
        for level in {low, 0.0, high}
        if level == 0.0 or abs(y(level) - y(0.0)) > LINE_HEIGHT
    )
    ends = "".join(
        f'<text x="{x(day):.1f}" y="{HEIGHT - 3}" text-anchor="{anchor}">{date.fromordinal(day)}</text>'
        for day, anchor in ((first, "start"), (last, "end"))
    )
    zero = f'<line class=zero x1="{LEFT}" x2="{WIDTH - MARGIN}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>'
    legend = "".join(f'<span class="{_line(at, one)}">{_name(one)}</span>' for at, one in curves)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Sum of net R of each strategy by day">'
        f"{zero}{''.join(lines)}{marks}{ends}</svg><p class=legend>{legend}</p>"
    )


def _line(at: int, one: Document) -> str:
    return "coin" if one["is_base"] else f"c{(at - 1) % LINES}"


def _ordinal(point: Document) -> int:
    return date.fromisoformat(point["day"]).toordinal()


def _name(one: Document) -> str:
    return escape(_title(one))


def _title(one: Document) -> str:
    return f"coin ({one['strategy']})" if one["is_base"] else str(one["strategy"])


def _section(title: str, *parts: str, kind: str = "") -> str:
    return f'<section class="{kind}"><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are HTML already; the first of a row names it."""
    top = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr><th scope=row>{row[0]}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>" for row in rows
    )
    return f"<div class=scroll><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _rate(rate: Document) -> str:
    if rate["value"] is None:
        return UNKNOWN
    return "too few" if rate["too_few"] else _percent(rate["value"])


def _rate_and_spread(rate: Document) -> str:
    return f"{_rate(rate)}<small>{_spread_of_rate(rate)}</small>"


def _spread_of_rate(rate: Document) -> str:
    return f"{_ends(rate)}<br>n {rate['n']:,}"


def _ends(rate: Document) -> str:
    return "" if rate["interval"] is None else f"{rate['interval'][0]:.1%} to {rate['interval'][1]:.1%}"


def _spread(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:+.3f} to {interval[1]:+.3f}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1%}"


def _r(value: float | None, digits: int = 3) -> str:
    return UNKNOWN if value is None else f"{value:+,.{digits}f}"


def _number(value: float | None, digits: int = 2) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f}"
