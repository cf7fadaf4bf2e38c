"""What re-pricing costs: items read and written against the floor, and its sums as columns against a loop."""

from collections.abc import Callable, Mapping

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
from infra.bench.report import as_milliseconds
from infra.bench.timing import interleaved
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.signals.batch_revision import QuietRanges, may_be_revised, to_revise
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.revision import DEFAULT_RULES, revise
from signalbox.domain.signals.signal import Signal

ROUNDS = 31
CALM_MOVE = 0.003
"""How far prices are from those of the last revision, as a standard deviation: a twentieth of them revises."""
ATR = 0.8
"""The average true range of each, for an entry of 100."""
BATCH, RANGES = "ranges laid out as columns", "the same ranges laid out as dicts, in a loop"
RULE = "the rule, in a loop over floats in dicts"
WORKER, EACH = "from stored signals, as columns (the worker)", "from stored signals, one by one"

LOSSES = (
    "Re-pricing: what the worker's screen takes is nearly all laying stored signals out as columns, and a loop over the"
    " same ranges would do; a revision that is due is made in exact decimals, one by one.",
)


@subject("Re-pricing: items against the floor, and which signals a price revises")
def measure() -> Findings:
    """Return `reprice.items_vs_floor` (needs recorded candles) and `reprice.batch_vs_loop`."""
    seconds = screening()
    screened = Figure(
        "reprice.batch_vs_loop",
        seconds[RULE] / seconds[BATCH],
        "higher",
        12,
        f"which of {OPEN_SIGNALS} open signals their prices revise: the rule, in a loop over floats in dicts / prices"
        " compared with the ranges that follow from it, as columns; both laid out already, medians of turns",
    )
    rows = tuple((name, as_milliseconds(taken)) for name, taken in seconds.items())
    times = Table(f"Which of {OPEN_SIGNALS} signals are revised", ("how", "median"), rows)
    try:
        minutes = items_vs_floor()
    except SkippedError as e:
        skipped = (Skip("reprice.items_vs_floor", str(e)),)
        return Findings(figures=(screened,), tables=(times,), skipped=skipped, losses=LOSSES)
    worst = max(figures["ratio"] for figures in minutes.values())
    floor = Figure(
        "reprice.items_vs_floor",
        worst,
        "lower",
        1.2,
        f"items read and written to re-price {OPEN_SIGNALS} open signals over {SYMBOLS} symbols / the floor; the worst"
        " of a calm, a normal and a crash minute, in each of which a candle closes",
    )
    return Findings(figures=(screened, floor), tables=(times, _items(minutes)), losses=LOSSES)


def _items(minutes: Mapping[str, Mapping[str, float]]) -> Table:
    columns = ("minute", *next(iter(minutes.values())))
    rows = tuple((minute, *map(str, figures.values())) for minute, figures in minutes.items())
    return Table("One cycle of re-pricing, in items", columns, rows)


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


def screening(rounds: int = ROUNDS) -> dict[str, float]:
    """Return the seconds that it takes to tell which of 2,000 signals their prices revise, by how; medians of turns.

    `BATCH`, `RULE` and `RANGES` start from numbers that are laid out already, `WORKER` and `EACH` from signals as they
    come from storage.
    """
    rng = np.random.default_rng(2)
    signals = [bench_signal(f"S{at}/USDT", 100.0, 0, at, rng) for at in range(OPEN_SIGNALS)]
    atrs, now = [ATR] * len(signals), from_ms(MINUTE)
    quiet = QuietRanges.of(signals, atrs, now=now)
    rows = [_row(signal) for signal in signals]
    range_rows = [{"low": low, "high": high} for low, high in zip(quiet.low.tolist(), quiet.high.tolist(), strict=True)]
    quoted, times = 100 * np.exp(rng.normal(0, CALM_MOVE, len(signals))), np.full(len(signals), float(MINUTE))
    plain = quoted.tolist()
    prices = [_price(signal, value) for signal, value in zip(signals, plain, strict=True)]
    cases: dict[str, Callable[[], object]] = {
        BATCH: lambda: may_be_revised(quiet, quoted, times),
        RANGES: lambda: [
            price <= row["low"] or price >= row["high"] for row, price in zip(range_rows, plain, strict=True)
        ],
        RULE: lambda: [_is_revised(row, price, MINUTE) for row, price in zip(rows, plain, strict=True)],
        WORKER: lambda: to_revise(signals, prices, atrs, now=now),
        EACH: lambda: [revise(*each, atr=ATR, now=now) for each in zip(signals, prices, strict=True)],
    }
    return interleaved(cases, rounds)


def _row(signal: Signal) -> dict[str, float]:
    levels = signal.levels
    prices = {"entry": levels.entry_price, "target": levels.target_price, "stop": levels.stop_loss}
    return {
        **{name: float(price) for name, price in prices.items()},
        "side": signal.signal_type.side,
        "may_act": signal.may_act,
        "expires_at": to_ms(signal.expires_at),
        "atr": ATR,
        "bps": DEFAULT_RULES.move_bps[signal.timeframe],
    }


def _is_revised(row: Mapping[str, float], price: float, now_ms: int) -> bool:
    """The rule of `revise`, in floats."""
    share, side, target, stop = DEFAULT_COSTS.side_fraction, row["side"], row["target"], row["stop"]
    gain, loss = side * (target - price), side * (price - stop)
    left = None if gain <= 0 or loss <= 0 else (gain - share * (price + target)) / (loss + share * (price + stop))
    may_act = left is not None and left >= DEFAULT_RULES.min_reward_risk and now_ms < row["expires_at"]
    threshold = max(row["entry"] * row["bps"] * 1e-4, DEFAULT_RULES.move_atr * row["atr"])
    return abs(price - row["entry"]) >= threshold or left is None or bool(row["may_act"] and not may_act)


def _price(signal: Signal, value: float) -> ConsensusPrice:
    return ConsensusPrice(signal.symbol, value, MINUTE, ("bench",), {}, low_trust=False)
