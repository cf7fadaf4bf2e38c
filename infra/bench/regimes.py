"""How steady the direction axis is on four years of hourly candles of five majors.

The dwell, and window and thresholds of the volatility, were chosen on these very candles (`infra/backtest/tuning.py`):
the figures say what was reached there, not what others would show.
"""

from infra.bench.findings import Figure, Findings, Table
from infra.bench.material import MAJORS, recorded
from infra.bench.registry import subject
from signalbox.domain.regimes.classification import DIRECTION_DWELL, classify, market_regime
from signalbox.domain.regimes.stability import UNDONE_WITHIN, stability

LONGER_THAN_THE_DWELL = 24
"""Candles within which a flip back counts as undoing beside the usual ones, within which the dwell allows none."""

_HOW = "direction axis of 5 majors, 1h, September 2020 to June 2024, on which dwell and thresholds were chosen"


@subject("Regimes: how often the direction flips, and how often a flip is undone")
def measure() -> Findings:
    """Measure `regimes.flips_per_100` and `regimes.undone_within_10`, with the other axes beside them."""
    grid = recorded(MAJORS)
    each, market = classify(grid.high, grid.low, grid.close), market_regime(grid)
    axes = {
        "direction": each.direction,
        "volatility": each.volatility,
        "market direction": market.direction,
        "market volatility": market.volatility,
    }
    usual = {name: stability(states) for name, states in axes.items()}
    later = {name: stability(states, LONGER_THAN_THE_DWELL).undone_share for name, states in axes.items()}
    direction = usual["direction"]
    figures = (
        Figure("regimes.flips_per_100", direction.flips_per_100, "lower", 4, f"flips per 100 candles; {_HOW}"),
        Figure(
            "regimes.undone_within_10",
            direction.undone_share,
            "lower",
            0.1,
            f"share of flips that went back within {UNDONE_WITHIN} candles: 0 by construction, as a state holds for at "
            f"least {DIRECTION_DWELL}; within {LONGER_THAN_THE_DWELL} candles {later['direction']:.1%} did; {_HOW}",
        ),
    )
    rows = tuple(
        (
            name,
            f"{axis.flips_per_100:.2f}",
            f"{axis.undone_share:.1%}",
            f"{later[name]:.1%}",
            f"{axis.median_dwell:.0f} candles",
        )
        for name, axis in usual.items()
    )
    undone = (f"undone in {UNDONE_WITHIN}", f"undone in {LONGER_THAN_THE_DWELL}")
    columns = ("axis", "flips per 100", *undone, "median stay")
    return Findings(figures, tables=(Table("Steadiness", columns, rows),))
