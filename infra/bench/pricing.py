"""What re-pricing costs: items read and written against the floor, and marking as columns against a loop."""

from collections.abc import Mapping, Sequence

import numpy as np

from infra.bench.findings import Figure, Findings, Skip, Table
from infra.bench.pricing_house import (
    BUCKET_SYMBOLS,
    MINUTE,
    OPEN_SIGNALS,
    SYMBOLS,
    WARM_UP_MINUTES,
    House,
    Recorded,
    bench_signal,
)
from infra.bench.registry import SkippedError, subject
from infra.bench.timing import interleaved
from signalbox.domain.signals.batch_marking import SignalColumns, mark_many
from signalbox.domain.signals.costs import DEFAULT_COSTS

ROUNDS = 31

LOSSES = (
    "The worker revises its open signals one by one, under the rules of a revision, as they come from storage: marking"
    " many at once pays where columns are laid out already.",
)


@subject("Re-pricing: items against the floor, and marking open signals")
def measure() -> Findings:
    """Return `reprice.items_vs_floor` (needs recorded candles) and `reprice.batch_vs_loop`."""
    marking = batch_vs_loop()
    marked = Figure(
        "reprice.batch_vs_loop",
        marking["ratio"],
        "higher",
        12,
        f"{OPEN_SIGNALS} signals marked to their prices: a loop over floats in dicts / columns, medians of turns; both"
        " laid out already",
    )
    try:
        minutes = items_vs_floor()
    except SkippedError as e:
        return Findings(figures=(marked,), skipped=(Skip("reprice.items_vs_floor", str(e)),), losses=LOSSES)
    worst = max(figures["ratio"] for figures in minutes.values())
    floor = Figure(
        "reprice.items_vs_floor",
        worst,
        "lower",
        1.2,
        f"items read and written to re-price {OPEN_SIGNALS} open signals over {SYMBOLS} symbols / the floor; the worst"
        " of a calm, a normal and a crash minute, in each of which a candle closes",
    )
    columns = ("minute", *next(iter(minutes.values())))
    rows = tuple((minute, *map(str, figures.values())) for minute, figures in minutes.items())
    table = Table("One cycle of re-pricing, in items", columns, rows)
    return Findings(figures=(marked, floor), tables=(table,), losses=LOSSES)


def items_vs_floor(recorded: Recorded | None = None) -> dict[str, dict[str, float]]:
    """Return what one cycle reads and writes against the floor, in a calm, a normal and the worst recorded minute.

    The floor is one read of every item on the pages of the index of open signals, one frame per bucket, and one write
    and one history row per changed signal. The minute is one in which a candle closed: the dearest of five.

    Returns
    -------
    dict of str to dict
        By minute: `ratio`, and what it is made of.
    """
    recorded = recorded or Recorded.load()
    found = {}
    for kind, moment in recorded.minutes().items():
        house = House(recorded, moment)
        for minute in range(WARM_UP_MINUTES, 0, -1):
            house.cycle(moment - minute * MINUTE)
        still_open = sum(signal.ending is None for signal in house.signals.stored.values())
        spent = house.cycle(moment)
        floor = still_open + SYMBOLS // BUCKET_SYMBOLS + 2 * spent["changed"]
        items = spent["items read"] + spent["items written"]
        found[kind] = {
            "ratio": round(items / floor, 3),
            "items": items,
            "floor": floor,
            "changed": spent["changed"],
            "open": still_open,
            "requests": spent["requests"],
        }
    return found


def batch_vs_loop(rounds: int = ROUNDS) -> dict[str, float]:
    """Return how many times faster `mark_many` marks 2,000 signals than a loop over floats in dicts.

    Both start from rows that are laid out already, and are timed in turn; medians over `rounds`.
    """
    rng = np.random.default_rng(2)
    signals = [bench_signal(f"S{at}/USDT", 100.0, 0, at, rng) for at in range(OPEN_SIGNALS)]
    columns = SignalColumns.of(signals)
    names = ("side", "filled", "target", "stop", "mfe_r", "mae_r")
    rows = [{name: float(getattr(columns, name)[at]) for name in names} for at in range(len(signals))]
    prices = 100 * np.exp(rng.normal(0, 0.01, len(signals)))
    plain = prices.tolist()
    cases = {"batch": lambda: mark_many(columns, prices), "loop": lambda: _mark_loop(rows, plain)}
    seconds = interleaved(cases, rounds)
    return {"ratio": round(seconds["loop"] / seconds["batch"], 1), **seconds}


def _mark_loop(rows: Sequence[Mapping[str, float]], prices: Sequence[float]) -> list[dict[str, float | bool]]:
    """The same sums as `mark_many`, one signal at a time."""
    share, marks = DEFAULT_COSTS.side_fraction, []
    for row, price in zip(rows, prices, strict=True):
        risk = abs(row["filled"] - row["stop"])
        gross = row["side"] * (price - row["filled"]) / risk
        to_target = row["side"] * (row["target"] - price) / risk
        to_stop = row["side"] * (price - row["stop"]) / risk
        marks.append(
            {
                "unrealised_r": gross - share * (row["filled"] + price) / risk,
                "to_target_r": to_target,
                "to_stop_r": to_stop,
                "mfe_r": max(row["mfe_r"], gross),
                "mae_r": min(row["mae_r"], gross),
                "target_crossed": to_target <= 0,
                "stop_crossed": to_stop <= 0,
            }
        )
    return marks
