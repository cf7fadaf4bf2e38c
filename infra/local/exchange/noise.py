"""Randomness that is the same for the same words, whatever was asked for before and in whichever process."""

import hashlib

import numpy as np

from infra.local.exchange.candles import FloatArray, IntArray

_BLOCK = 64


def generator(*words: str | int) -> np.random.Generator:
    """Return a random generator that depends on `words` alone."""
    digest = hashlib.blake2b("|".join(map(str, words)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest)))


def fraction(*words: str | int) -> float:
    """Return a number in [0, 1) that depends on `words` alone."""
    digest = hashlib.blake2b("|".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def smooth(moments: IntArray, period_ms: int, *words: str | int) -> FloatArray:
    """Return smooth noise with random access in time.

    Parameters
    ----------
    moments : (n,) int64 array
        Moments in epoch ms, ascending, n at least 1.
    period_ms : int
        Distance of the random knots: standard normal values, joined by straight lines.
    words : str or int
        What the noise depends on beside the moment.

    Returns
    -------
    (n,) float64 array
        The noise at `moments`.
    """
    first, last = int(moments[0]) // period_ms, int(moments[-1]) // period_ms + 1
    blocks = range(first // _BLOCK, last // _BLOCK + 1)
    knots = np.concatenate([generator(*words, period_ms, block).standard_normal(_BLOCK) for block in blocks])
    position = moments / period_ms - blocks.start * _BLOCK
    values: FloatArray = np.interp(position, np.arange(len(knots)), knots)
    return values
