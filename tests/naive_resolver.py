"""An independent resolver: one signal, one pass, candle by candle, straight from docs/definitions.md.

It is slow and dull on purpose and shares no code with `signalbox.domain.signals`: the two must agree on every signal.
It sees a signal's whole life at once, as `settle` never does.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(NamedTuple):
    """How one signal ended, in the words of docs/definitions.md."""

    status: str
    ended_at: int
    exit_price: float | None
    r: float | None
    optimistic_r: float | None
    ambiguous: bool
    filled_price: float | None
    candles_hash: str


def resolve(  # noqa: PLR0917  what one signal's fate hangs on
    signal: Any, candles: list[Any], step: int, cost_share: float, finer: Any = None, quotes: Any = ()
) -> Outcome:
    """Return how `signal` ends, given all candles (ms, open, high, low, close, volume) of its symbol, oldest first, and
    the (ms, price) that exchanges agreed on, if any."""
    published = (signal.published_at - EPOCH) // timedelta(milliseconds=1)
    expires = (signal.expires_at - EPOCH) // timedelta(milliseconds=1)
    life = {"5m": 300_000, "1h": 3_600_000, "4h": 14_400_000}[str(signal.timeframe)]
    buy = str(signal.signal_type) == "BUY"
    target, stop = float(signal.levels.target_price), float(signal.levels.stop_loss)

    due = due_times(published, expires, step)
    by_time = {candle[0]: candle for candle in candles if published < candle[0] <= expires and good(candle)}

    filled: float | None = None
    last_close: float | None = None
    last_close_time = 0
    missing = 0
    digest = ""

    def net(exit_price: float) -> float:
        assert filled is not None
        risk = abs(filled - stop)
        gain = exit_price - filled if buy else filled - exit_price
        return gain / risk - cost_share * (filled + exit_price) / risk

    def ended(status: str, at: int, price: float | None = None, *, ambiguous: bool = False) -> Outcome:
        r = None if price is None else net(price)
        return Outcome(status, at, price, r, net(target) if ambiguous else r, ambiguous, filled, digest)

    for time in due:
        if time not in by_time:
            missing += 1
            continue
        if missing / len(due) > 0.02:
            return ended("DATA_GAP", time)
        candle = by_time[time]
        digest = add(digest, candle)
        _, opened, high, low, close, _ = candle
        end = time + step
        if filled is None:
            filled = opened
            if (buy and (opened >= target or opened <= stop)) or (not buy and (opened <= target or opened >= stop)):
                return ended("INVALIDATED", end)
        last_close, last_close_time = close, end
        touched = look(buy=buy, target=target, stop=stop, opened=opened, high=high, low=low)
        if touched == "both":
            for small_end, small in small_candles(finer, time, end):
                digest, end, opened = add(digest, small), small_end, small[1]
                touched = look(buy=buy, target=target, stop=stop, opened=opened, high=small[2], low=small[3])
                if touched != "nothing":
                    break
        if touched != "nothing":
            status = "TARGET_HIT" if touched == "target" else "STOP_HIT"
            price = {"target": target, "stop at open": opened}.get(touched, stop)
            return ended(status, end, price, ambiguous=touched == "both")

    if filled is None or missing / len(due) > 0.02 or last_close is None:
        return ended("DATA_GAP", expires)
    priced_at, price = newest((last_close_time, last_close), quotes, expires)
    return ended("EXPIRED", expires, price) if priced_at >= expires - life else ended("DATA_GAP", expires)


def due_times(published: int, expires: int, step: int) -> list[int]:
    """List the open times of the candles that count: after publication, over by expiry."""
    first = (published // step) * step
    return [time for time in range(first, expires, step) if time > published and time + step <= expires]


def look(*, buy: bool, target: float, stop: float, opened: float, high: float, low: float) -> str:
    """Say which level a candle touched first, as far as a candle can tell."""
    if (buy and opened <= stop) or (not buy and opened >= stop):
        return "stop at open"
    if (buy and opened >= target) or (not buy and opened <= target):
        return "target"
    touches_target = high >= target if buy else low <= target
    touches_stop = low <= stop if buy else high >= stop
    if touches_target and touches_stop:
        return "both"
    if touches_target:
        return "target"
    return "stop" if touches_stop else "nothing"


def newest(closed: Any, quotes: Any, expires: int) -> Any:
    """Pick the later (ms, price) of the last close and what exchanges agreed on until `expires`; the close in a tie."""
    for time, price in quotes:
        if closed[0] < time <= expires and 0 < price < float("inf"):
            closed = (time, price)
    return closed


def small_candles(finer: Any, start: int, end: int) -> list[Any]:
    """Pair the finer candles of a span with the time each ends, if there are any."""
    found = [] if finer is None else list(finer(start, end))
    ends = [candle[0] for candle in found[1:]] + [end]
    return list(zip(ends, found, strict=True)) if found else []


def good(candle: Any) -> bool:
    """Say whether all four prices are prices."""
    prices = candle[1:5]
    if not all(0 < price < float("inf") for price in prices):
        return False
    return candle[3] <= min(prices) and candle[2] >= max(prices)


def add(digest: str, candle: Any) -> str:
    """Chain one candle onto the hash, as the documentation of an ending's `candles_hash` describes it."""
    time, opened, high, low, close, _ = candle
    return hashlib.sha256(f"{digest}{time},{opened},{high},{low},{close}".encode()).hexdigest()
