"""Evidence: a hash over exactly the candles that settled a signal, which anybody can compute again.

It is a chain, because a signal is settled a few candles at a time: each link is the SHA-256 of the hash so far (64 hex
digits, nothing before the first candle) followed by the candle's line. The lines are
`<open time, epoch ms>,<open>,<high>,<low>,<close>`, prices in the shortest decimal form that reads back as the same
float64. Volume decides nothing and is left out. Candles of a drill follow the candle that was drilled into.
"""

from collections.abc import Iterable
from hashlib import sha256

from signalbox.domain.market.candles import Candle


def candle_line(candle: Candle) -> bytes:
    """Return the canonical text of a candle: `1704067200000,42283.58,42397.23,42261.02,42397.23`."""
    return ",".join((str(candle.time), *(repr(float(price)) for price in candle[1:5]))).encode("ascii")


def extend(candles_hash: str, lines: Iterable[bytes]) -> str:
    """Return the hash after `lines`, given the hash before them (empty before the first candle)."""
    for line in lines:
        candles_hash = sha256(candles_hash.encode("ascii") + line).hexdigest()
    return candles_hash


def hash_candles(candles: Iterable[Candle]) -> str:
    """Return the hash over `candles`, oldest first; empty for none."""
    return extend("", map(candle_line, candles))
