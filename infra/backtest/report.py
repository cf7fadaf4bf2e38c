"""What a backtest says: figures per strategy beside the coin's, windows, filters, and what to keep in mind."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from infra.backtest.candles import Material, life_days
from infra.backtest.tuning import TUNED, VARIANTS_TRIED
from infra.backtest.windows import walk_forward
from signalbox.domain.instants import from_ms, to_iso
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.signal import NULL_STRATEGY, RULES_VERSION, Origin, Signal
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.domain.statistics.bootstrap import RESAMPLES
from signalbox.domain.statistics.daily import DailyStatistics, of, total
from signalbox.domain.statistics.figures import Figures, compare, equity_curve, figures, quality_bands
from signalbox.domain.statistics.rates import Rate
from signalbox.domain.strategies.registry import strategies
from signalbox.services.backtest import BacktestRun, BacktestSettings

_DIGITS = 6


def make_report(
    material: Material, run: BacktestRun, settings: BacktestSettings, *, seed: int, shown: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the report as JSON's own types; the same inputs give the same report to the last byte.

    Parameters
    ----------
    shown : sequence of str
        The strategies to report, by default all. Edges are judged over all that ran, whatever is shown.
    """
    grid = material.grid
    over = from_ms(grid.times[-1] + grid.timeframe.milliseconds)
    finished = [signal for signal in run.signals if signal.expires_at <= over]
    days = life_days(grid.timeframe)
    sums = by_strategy(finished)
    compared = compare(sums, overlap_days=days)
    windows = walk_forward(finished, material.start, material.end, overlap_days=days)
    names = [name for name in compared if not shown or name in (*shown, NULL_STRATEGY)]
    return {
        **_lived_through(material),
        **_played_by(settings, seed),
        "turns": run.turns,
        "signals": len(run.signals),
        "unfinished": len(run.signals) - len(finished),
        "refused": {str(reason): n for reason, n in sorted(run.refused.items())},
        "unplaced": run.unplaced,
        "variants_tried": VARIANTS_TRIED,
        "caveats": [*caveats(material), *_extremes(compared)],
        "strategies": {
            name: {
                **_plain(compared[name]),
                "quality": _plain(quality_bands(sums[name], days)),
                "equity": [[f"{day}", round(r, 4)] for day, r in equity_curve(sums[name])],
                "windows": _plain(windows[name]),
            }
            for name in names
        },
        "filters": _filters(run, over, days),
    }


def _lived_through(material: Material) -> dict[str, Any]:
    """Return what candles these were."""
    grid = material.grid
    return {
        "source": material.source,
        "origin": str(material.origin),
        "timeframe": str(grid.timeframe),
        "ties_settled_by": material.finest,
        "symbols": len(grid.symbols),
        "from": to_iso(material.start),
        "to": to_iso(material.end),
        "candles": int(grid.present.sum()),
    }


def _played_by(settings: BacktestSettings, seed: int) -> dict[str, Any]:
    """Return the rules, costs and settings behind every figure."""
    return {
        "seed": seed,
        "rules_version": RULES_VERSION,
        "costs": asdict(DEFAULT_COSTS),
        "settings": _plain(settings),
        "interval": f"95 %, bootstrap by day in runs, {RESAMPLES} resamples, seed 0",
    }


def by_strategy(signals: Iterable[Signal]) -> dict[str, DailyStatistics]:
    """Return the sums of each registered strategy, the coin last; without signals they are empty."""
    values: dict[str, list[DailyStatistics]] = defaultdict(list)
    for signal in signals:
        values[signal.strategy].append(of(signal))
    names = sorted(
        {*values, *(strategy.name for strategy in strategies())}, key=lambda name: (name == NULL_STRATEGY, name)
    )
    return {name: total(values[name]) for name in names}


def caveats(material: Material) -> list[str]:
    """Return what a reader must know before believing a figure."""
    said = [
        f"Parameters are fixed; at least {VARIANTS_TRIED} rounds of tuning came before. Every edge is judged over all "
        f"strategies looked at (Benjamini-Hochberg).",
        "Fills are assumed: the open of the first candle after publication, with fees, half spread and slippage as "
        "printed; no order was ever sent.",
        "Signals whose life was not over at the end of the candles are left out of every figure.",
    ]
    if material.origin is Origin.SIMULATED:
        return [*said, "Simulated market: it says how the machinery works, nothing about real money."]
    in_sample = [
        f"In-sample: {tuning.what}, were tuned in {_counted(tuning.rounds)} rounds on {tuning.start:%Y-%m-%d} to "
        f"{tuning.end - timedelta(days=1):%Y-%m-%d}, which this span overlaps: its figures flatter the strategies."
        for tuning in TUNED
        if tuning.overlaps(material.start, material.end)
    ]
    survivors = "The symbols are those of the file: what was delisted before it was made is missing (survivorship)."
    return [*said, *in_sample, survivors]


def _counted(rounds: int | None) -> str:
    return "uncounted" if rounds is None else f"about {rounds}"


def _extremes(compared: Mapping[str, Figures]) -> list[str]:
    """Return one sentence about the signals whose R says more about their fill than about their strategy."""
    found = {name: one for name, one in compared.items() if one.extreme}
    if not found:
        return []
    parts = ", ".join(f"{name} {one.extreme} ({one.extreme_r:+.1f} R)" for name, one in found.items())
    return [
        f"Filled right beside the stop, where R is counted in next to nothing, and so beyond 5 R: {parts}. They weigh "
        f'on expectancy, profit factor and drawdown; "bounded" counts each as 5, and edges are judged by that.'
    ]


def _filters(run: BacktestRun, over: datetime, overlap_days: int) -> dict[str, Any]:
    """Return by reason what the suppressed candidates would have come to; the coin's are left out."""
    values: dict[SuppressionReason, list[DailyStatistics]] = defaultdict(list)
    for reason, signal in run.suppressed:
        if signal.strategy != NULL_STRATEGY and signal.expires_at <= over:
            values[reason].append(of(signal))
    found = {reason: figures(total(values[reason]), overlap_days=overlap_days) for reason in sorted(values)}
    return {
        str(reason): _plain(
            {
                "candidates": one.published,
                "win_rate": one.win_rate,
                "expectancy": one.expectancy,
                "expectancy_interval": one.expectancy_interval,
            }
        )
        for reason, one in found.items()
    }


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one return per kind of value
    """Return JSON's own types, numbers rounded, a rate with its `too_few`."""
    if isinstance(value, Rate):
        return {
            **{name: _plain(getattr(value, name)) for name in ("hits", "n", "value", "interval")},
            "too_few": value.too_few,
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, float):
        return round(value, _DIGITS) if abs(value) != float("inf") else None
    return value
