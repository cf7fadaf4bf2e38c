"""The report as one page that needs nothing else: no script, no font, no address outside itself."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from infra.backtest.chart import COLOURS, equity_chart
from infra.backtest.style import STYLE
from infra.backtest.words import UNKNOWN, number, percent, rate_spread, rate_value, rate_words, spread
from signalbox.domain.signals.signal import NULL_STRATEGY

Report = Mapping[str, Any]
Cell = str


def render(report: Report) -> str:
    """Return the page. Everything that comes from the report is escaped."""
    strategies = report["strategies"]
    parts = [
        _header(report),
        _list("Before you believe a figure", report["caveats"]),
        _section("Strategies", _strategies(strategies), _VERDICTS.format(_verdicts(strategies))),
        _section("Sum of net R, by the day of the ending", equity_chart(strategies) + _legend(strategies)),
        _section("How signals ended", _endings(strategies)),
        _section(
            "What was not sent, and what it would have come to", _filters(report["filters"], strategies[NULL_STRATEGY])
        ),
        _section("Quality scores", _quality(strategies)),
        _section("Walk-forward windows", *(_windows(name, one) for name, one in strategies.items())),
        _section("How it was made", _making(report)),
    ]
    title = f"Signalbox backtest: {escape(report['source'])}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>{STYLE}</style></head>\n<body><main>{''.join(parts)}</main></body></html>\n"
    )


_VERDICTS = "<ul>{}</ul>"
_ENDINGS = (
    "Invalidated and data gap are counted here and excluded from every rate. Beyond 5 R: filled so near the stop that "
    "the unit of R shrank; one of them can outweigh hundreds of others."
)


def _header(report: Report) -> str:
    kind = "simulated market" if report["origin"] == "simulated" else "recorded candles"
    return (
        f"<header><p class=kind>{escape(kind)}</p><h1>Backtest: {escape(report['source'])}</h1>"
        f"<p>{report['symbols']} symbols, {escape(report['timeframe'])}, {escape(report['from'][:10])} to "
        f"{escape(report['to'][:10])}: {report['turns']:,} turns, {report['candles']:,} candles, "
        f"{report['signals']:,} signals. All R are net of costs; intervals: {escape(report['interval'])}; of shares: "
        f"Wilson. <em>coin</em> is the base rate: a seeded coin flip over the same symbols, levels and life.</p>"
        f"</header>"
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def _list(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section class=caveats><h2>{escape(title)}</h2><ul>{items}</ul></section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "") -> str:
    """Return a table whose cells are HTML already; the first of a row names it."""
    top = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr><th scope=row>{row[0]}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>" for row in rows
    )
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<div class=scroll><table>{above}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _strategies(strategies: Mapping[str, Any]) -> str:
    coin = strategies[NULL_STRATEGY]
    head = (
        "strategy", "edge", "booked", "win rate", "wins / all", "expectancy", "bounded", "optimistic", "ties",
        "profit factor", "sum of R", "drawdown",
    )  # fmt: skip
    return _table(head, (_strategy(name, one, coin) for name, one in strategies.items()))


def _strategy(name: str, one: Mapping[str, Any], coin: Mapping[str, Any]) -> Sequence[Cell]:
    own = name == NULL_STRATEGY

    def beside(figure: str, base: str, interval: str = "") -> Cell:
        lines = [escape(figure), *([f"<small>{escape(interval)}</small>"] if interval else [])]
        return "".join((*lines, "" if own else f"<small class=coin>coin {escape(base)}</small>"))

    return (
        escape("coin (null)" if own else name),
        "the base rate" if own else _badge(one["edge"]["verdict"]),
        f"{one['booked']:,}",
        beside(
            rate_value(one["win_rate"]),
            percent(coin["win_rate"]["value"]),
            f"{rate_spread(one['win_rate'])} n {one['win_rate']['n']:,}",
        ),
        beside(rate_value(one["wins_of_all"]), percent(coin["wins_of_all"]["value"]), rate_spread(one["wins_of_all"])),
        beside(number(one["expectancy"]), number(coin["expectancy"]), spread(one["expectancy_interval"])),
        beside(number(one["bounded_expectancy"]), number(coin["bounded_expectancy"])),
        beside(number(one["optimistic_expectancy"]), number(coin["optimistic_expectancy"])),
        beside(percent(one["ambiguous_share"]), percent(coin["ambiguous_share"])),
        beside(number(one["profit_factor"], 2, signed=False), number(coin["profit_factor"], 2, signed=False)),
        number(one["total_r"], 1),
        number(one["max_drawdown_r"], 1, signed=False),
    )


def _badge(verdict: str) -> Cell:
    kind = "yes" if verdict == "shown" else "no"
    return f'<span class="badge {kind}">{escape(verdict)}</span>'


def _verdicts(strategies: Mapping[str, Any]) -> str:
    return "".join(
        f"<li><b>{escape(name)}</b>: edge {escape(one['edge']['verdict'])}; {escape(one['edge']['reason'])}.</li>"
        for name, one in strategies.items()
        if one["edge"]
    )


def _legend(strategies: Mapping[str, Any]) -> str:
    return (
        "<p class=legend>"
        + "".join(
            f'<span class="{"coin" if name == NULL_STRATEGY else f"c{at % COLOURS}"}">{escape(name)}</span> '
            for at, name in enumerate(strategies)
        )
        + "</p>"
    )


def _endings(strategies: Mapping[str, Any]) -> str:
    statuses = list(strategies[NULL_STRATEGY]["endings"])
    head = (
        "strategy",
        "published",
        "beyond 5 R",
        "their sum",
        *(status.lower().replace("_", " ") for status in statuses),
    )
    rows = (
        (
            escape(name),
            f"{one['published']:,}",
            f"{one['extreme']:,}",
            number(one["extreme_r"], 1),
            *(f"{one['endings'][status]:,}" for status in statuses),
        )
        for name, one in strategies.items()
    )
    return _table(head, rows, _ENDINGS)


def _filters(filters: Mapping[str, Any], coin: Mapping[str, Any]) -> str:
    rows = (
        (
            escape(reason),
            f"{one['candidates']:,}",
            escape(rate_words(one["win_rate"])),
            escape(f"{number(one['expectancy'])} {spread(one['expectancy_interval'])}"),
        )
        for reason, one in filters.items()
    )
    base = f"beside it the coin: win rate {rate_words(coin['win_rate'])}, expectancy {number(coin['expectancy'])}"
    return _table(("reason", "candidates", "win rate", "expectancy"), rows, base)


def _quality(strategies: Mapping[str, Any]) -> str:
    bands = sorted({band["least"] for one in strategies.values() for band in one["quality"]})
    rows = []
    for name, one in strategies.items():
        of_band = {band["least"]: band for band in one["quality"]}
        cells = (_band(of_band.get(least)) for least in bands)
        rows.append((escape(name), *cells))
    return _table(("strategy", *(f"{least} to {least + 10}" for least in bands)), rows, "expectancy by quality score")


def _band(band: Mapping[str, Any] | None) -> Cell:
    if band is None:
        return UNKNOWN
    said = "too few" if band["n"] < 30 else number(band["expectancy"])
    return f"{said}<small>{escape(spread(band['expectancy_interval']))}</small><small>n {band['n']:,}</small>"


def _windows(name: str, one: Mapping[str, Any]) -> str:
    windows = one["windows"]
    known = [w for w in windows if None not in (w["expectancy"], w["base"])]
    above = sum(w["expectancy"] > w["base"] for w in known)
    said = "" if name == NULL_STRATEGY else f": above the coin in {above} of {len(known)} windows"
    rows = (
        (
            f"{escape(w['start'][:10])} to {escape(w['end'][:10])}",
            f"{w['n']:,}",
            f"{w['purged']:,}",
            escape(f"{number(w['expectancy'])} {spread(w['interval'])}"),
            escape(number(w["base"])),
        )
        for w in windows
    )
    table = _table(("window", "n", "purged", "expectancy", "coin"), rows)
    return f"<details><summary>{escape(name + said)}</summary>{table}</details>"


def _making(report: Report) -> str:
    facts = {
        "rules of endings": f"version {report['rules_version']}",
        "ties settled by": f"{report['ties_settled_by']} candles; what is still a tie counts as a stop",
        "costs": ", ".join(f"{name} {value:g}" for name, value in report["costs"].items()),
        "selection": ", ".join(f"{name} {value:g}" for name, value in report["settings"]["rules"].items()),
        "warm-up": f"{report['settings']['warm_up_candles']} candles",
        "published": f"{report['settings']['grace_seconds']} s after the candle closed",
        "refused data": ", ".join(f"{reason} {n:,}" for reason, n in report["refused"].items()) or "none",
        "unfinished": f"{report['unfinished']:,} signals, left out",
        "variants tried": f"at least {report['variants_tried']}",
        "seed": str(report["seed"]),
    }
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in facts.items()) + "</dl>"
