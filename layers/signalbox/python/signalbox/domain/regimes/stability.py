"""How steady a regime axis is: the figures that say whether its label means anything."""

from dataclasses import dataclass

import numpy as np

from signalbox.domain.market.candles import FloatArray


@dataclass(frozen=True, slots=True)
class Stability:
    """Steadiness of one axis over all its columns.

    `flips_per_100` counts changes per 100 known candles. `median_dwell` is in candles, over finished stays, NaN if
    there was none. `undone_share` is the share of flips that went back to the state before within the candles asked
    for, 0 if there was no flip. `shares` is how much of the time each code held.
    """

    candles: int
    flips: int
    flips_per_100: float
    median_dwell: float
    undone_share: float
    shares: dict[int, float]


UNDONE_WITHIN = 10
"""Candles within which a flip back counts as undoing, where nothing else is said."""


def stability(states: FloatArray, undone_within: int = UNDONE_WITHIN) -> Stability:
    """Return the steadiness of one axis.

    Parameters
    ----------
    states : (n_candles, n_symbols) float64 array
        Codes of one axis; cells that are NaN are skipped, as if the candles around them were neighbours.
    undone_within : int
        Candles within which a flip back counts as undoing: none does within a minimum dwell of as many or more.
    """
    dwells: list[np.ndarray] = []
    candles = flips = undone = 0
    for column in states.T:
        codes = column[~np.isnan(column)]
        at = np.flatnonzero(np.diff(codes)) + 1
        stays = np.diff(at)
        # The stay between flips i and i+1 was undone if flip i+1 restores what held before flip i.
        restored = codes[at[1:]] == codes[at[:-1] - 1] if len(at) > 1 else np.zeros(0, dtype=bool)
        candles += len(codes)
        flips += len(at)
        undone += int((restored & (stays <= undone_within)).sum())
        dwells.append(stays)
    known = states[~np.isnan(states)]
    lengths = np.concatenate(dwells) if dwells else np.zeros(0)
    return Stability(
        candles=candles,
        flips=flips,
        flips_per_100=100 * flips / candles if candles else 0.0,
        median_dwell=float(np.median(lengths)) if len(lengths) else float("nan"),
        undone_share=undone / flips if flips else 0.0,
        shares={code: float((known == code).mean()) if candles else 0.0 for code in (-1, 0, 1)},
    )
