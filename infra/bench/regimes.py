"""How steady the direction axis is on four years of hourly candles of five majors."""

from infra.bench.findings import Figure, Findings, Table
from infra.bench.material import MAJORS, recorded
from infra.bench.registry import subject
from signalbox.domain.regimes.classification import classify, market_regime
from signalbox.domain.regimes.stability import UNDONE_WITHIN, stability

_HOW = "direction axis of 5 majors, 1h, September 2020 to June 2024"


@subject("Regimes: how often the direction flips, and how often a flip is undone")
def measure() -> Findings:
    """Measure `regimes.flips_per_100` and `regimes.undone_within_10`, with the other axes beside them."""
    grid = recorded(MAJORS)
    each, market = classify(grid.high, grid.low, grid.close), market_regime(grid)
    axes = {
        "direction": stability(each.direction),
        "volatility": stability(each.volatility),
        "market direction": stability(market.direction),
        "market volatility": stability(market.volatility),
    }
    direction = axes["direction"]
    figures = (
        Figure("regimes.flips_per_100", direction.flips_per_100, "lower", 4, f"flips per 100 candles; {_HOW}"),
        Figure(
            "regimes.undone_within_10",
            direction.undone_share,
            "lower",
            0.1,
            f"share of flips that went back within {UNDONE_WITHIN} candles; {_HOW}",
        ),
    )
    rows = tuple(
        (name, f"{axis.flips_per_100:.2f}", f"{axis.undone_share:.1%}", f"{axis.median_dwell:.0f} candles")
        for name, axis in axes.items()
    )
    return Findings(figures, tables=(Table("Steadiness", ("axis", "flips per 100", "undone", "median stay"), rows),))
