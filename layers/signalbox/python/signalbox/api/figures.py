"""How figures are told in JSON: every rate with its n and interval, too few said so, and the coin's beside it."""

from typing import Any

from signalbox.domain.signals.signal import NULL_STRATEGY, Status
from signalbox.domain.statistics.calibration import Calibration
from signalbox.domain.statistics.daily import SETTLED, DailyStatistics
from signalbox.domain.statistics.edge import Edge
from signalbox.domain.statistics.figures import (
    Figures,
    QualityBand,
    equity_curve,
    figures,
    mean_quality,
    quality_bands,
)
from signalbox.domain.statistics.rates import ENOUGH, Interval, Rate, rate
from signalbox.services.read_statistics import Row, StrategyRecord

COIN = "the coin: the null strategy, a seeded coin flip over the same symbols, levels and lives"


def represent_row(row: Row) -> dict[str, Any]:
    """Return a row of the statistics: its own figures, and the coin's of the same group."""
    return {
        "group": row.group or None,
        "figures": represent_figures(figures(row.own)),
        "base": represent_figures(figures(row.base)),
    }


def represent_strategy(name: str, record: StrategyRecord, coin: StrategyRecord) -> dict[str, Any]:
    """Return a strategy's record; its edge is null for the coin, which is what edges are judged against."""
    found = record.figures
    coins = {month: figures(numbers) for month, numbers in coin.months.items() if has_ended(numbers)}
    return {
        "strategy": name,
        "is_base": name == NULL_STRATEGY,
        **represent_figures(found),
        "base": represent_figures(coin.figures),
        "edge": None if found.edge is None else _edge(found.edge),
        "calibration": None if found.calibration is None else _calibration(found.calibration, coin.statistics),
        "quality": _quality(record.statistics, coin.statistics),
        "months": [
            _month(month, figures(numbers), coins.get(month), mean_quality(numbers))
            for month, numbers in record.months.items()
            if has_ended(numbers)
        ],
        "equity_curve": [{"day": day.isoformat(), "r": level} for day, level in equity_curve(record.statistics)],
    }


def has_ended(numbers: DailyStatistics) -> bool:
    """Return whether a signal among them has ended: else even that there is something to count would say too much."""
    return numbers.ended(*Status) > 0


def represent_figures(found: Figures) -> dict[str, Any]:
    """Return the figures of what ended of one set of signals; R are net of costs, null is "not known".

    How many are open is not said: a count by symbol and day would tell of a signal before the caller's tier may.
    """
    return {
        "ended": sum(found.endings.values()),
        "booked": found.booked,
        "too_few": found.booked < ENOUGH,
        "endings": dict(found.endings),
        "excluded": dict(found.excluded),
        "win_rate": represent_rate(found.win_rate),
        "win_rate_optimistic": represent_rate(found.optimistic_win_rate),
        "wins_of_all": represent_rate(found.wins_of_all),
        "expectancy": found.expectancy,
        "expectancy_interval": _interval(found.expectancy_interval),
        "expectancy_optimistic": found.optimistic_expectancy,
        "expectancy_bounded": found.bounded_expectancy,
        "deviation": found.deviation,
        "mean_cost_r": found.mean_cost_r,
        "profit_factor": found.profit_factor,
        "profit_factor_optimistic": found.optimistic_profit_factor,
        "ambiguous_share": found.ambiguous_share,
        "extreme": found.extreme,
        "extreme_r": found.extreme_r,
        "total_r": found.total_r,
        "max_drawdown_r": found.max_drawdown_r,
    }


def represent_rate(rate: Rate) -> dict[str, Any]:
    """Return a rate with what it is worth."""
    return {
        "value": rate.value,
        "hits": rate.hits,
        "n": rate.n,
        "interval": _interval(rate.interval),
        "too_few": rate.too_few,
    }


def _interval(found: Interval | None) -> list[float] | None:
    return None if found is None else [found.low, found.high]


def _edge(edge: Edge) -> dict[str, Any]:
    gap = edge.difference
    return {
        "verdict": str(edge.verdict),
        "reason": edge.reason,
        "difference": None if gap is None else gap.mean,
        "adjusted_p": edge.adjusted_p,
        "looked_at": edge.looked_at,
    }


def _calibration(found: Calibration, coin: DailyStatistics) -> dict[str, Any]:
    return {
        "n": found.n,
        "too_few": found.n < ENOUGH,
        "hit_rate": represent_rate(found.hit_rate),
        "base_hit_rate": represent_rate(rate(coin.ended(Status.TARGET_HIT), coin.ended(*SETTLED))),
        "brier": found.brier,
        "skill": found.skill,
        "ece": found.ece,
        "table": [{"n": row.n, "confidence": row.confidence, "observed": row.observed} for row in found.table],
    }


def _quality(own: DailyStatistics, coin: DailyStatistics) -> list[dict[str, Any]]:
    coins = {band.least: band for band in quality_bands(coin)}
    return [
        {
            "least": band.least,
            "n": band.n,
            "too_few": band.n < ENOUGH,
            **_beside(band, coins.get(band.least)),
            "base_n": coins[band.least].n if band.least in coins else 0,
        }
        for band in quality_bands(own)
    ]


def _month(month: str, own: Figures, coin: Figures | None, quality: float | None) -> dict[str, Any]:
    """A point of the trend: how good signals were held to be, and what came of it."""
    return {
        "month": month,
        "ended": sum(own.endings.values()),
        "booked": own.booked,
        **_beside(own, coin),
        "base_booked": 0 if coin is None else coin.booked,
        "quality_about": quality,
    }


def _beside(own: Figures | QualityBand, coin: Figures | QualityBand | None) -> dict[str, Any]:
    """Return the two figures that everything is judged by, with their intervals, and the coin's."""
    return {
        "win_rate": represent_rate(own.win_rate),
        "expectancy": own.expectancy,
        "expectancy_interval": _interval(own.expectancy_interval),
        "base_win_rate": None if coin is None else represent_rate(coin.win_rate),
        "base_expectancy": None if coin is None else coin.expectancy,
        "base_expectancy_interval": None if coin is None else _interval(coin.expectancy_interval),
    }
