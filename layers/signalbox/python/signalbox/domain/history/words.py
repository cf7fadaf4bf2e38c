"""The words that a signal is found by: its symbol and base currency, its strategy, its reasons and notes."""

import re
from collections.abc import Iterable

from signalbox.domain.signals.signal import Signal

LONGEST_WORD = 60
"""Characters that a word keeps; what follows is cut off."""

_WORD = re.compile(r"[^\W_](?:[\w.+/-]*[\w+])?")


def words_in(text: str) -> list[str]:
    """Return the words of a text, in lower case and in order: letters, digits, and `_ . + / -` inside them."""
    return [found[0].lower()[:LONGEST_WORD] for found in _WORD.finditer(text)]


def words_of(signal: Signal) -> frozenset[str]:
    """Return the words of a signal, in lower case.

    The quote currency is none, nor is anything else that nearly every signal has. `trend_following` is found as such,
    as `trend` and as `following`.
    """
    base = signal.symbol.partition("/")[0]
    parts = signal.strategy.split("_")
    return frozenset(_known([signal.symbol, base, signal.strategy, *parts, *signal.reasons, *signal.notes]))


def _known(texts: Iterable[str]) -> Iterable[str]:
    return (word for text in texts for word in words_in(text))
