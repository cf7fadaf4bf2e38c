"""Titles that say the same: compared as sets of normalised words.

Two titles are near-duplicates when their words overlap by Jaccard >= 0.6 (shared words / all words), they speak of the
same assets, and their items are at most three days apart: the same words of another asset are its own news, and a
column of the same name next week is no duplicate. Titles are taken best first, and one that
resembles a kept one collapses into it, so the outcome does not depend on the order in which items came in.

Of thousands of titles only few pairs are compared: of a title with n words, a similar one must share one of its
n - ceil(0.6 n) + 1 rarest words (prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006).
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

SIMILAR = 0.6
"""Least share of common words."""

SPAN = timedelta(days=3)
"""Farthest apart that two copies of one story are published."""

_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*%?")
_POSSESSIVE = re.compile(r"['’]s\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_EMPTY = " a an and as at by for from in is its it of on or report the to with "


class _Titled(Protocol):
    @property
    def title(self) -> str: ...

    @property
    def time(self) -> datetime: ...

    @property
    def assets(self) -> tuple[str, ...]: ...


Item = TypeVar("Item", bound=_Titled)


def words(title: str) -> frozenset[str]:
    """Return the words that make a title what it is: lower case, no accents, no possessives, no empty words.

    A title of empty words alone keeps them.
    """
    plain = unicodedata.normalize("NFKD", title).casefold()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    found = frozenset(_WORD.findall(_THOUSANDS.sub("", _POSSESSIVE.sub("", plain))))
    return frozenset(word for word in found if f" {word} " not in _EMPTY) or found


def normalised(title: str) -> str:
    """Return a title such that spelling, case, punctuation and the order of words make no difference."""
    return " ".join(sorted(words(title)))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets of words; two empty ones are not alike."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def distinct(
    items: Sequence[Item], rank: Callable[[Item], object], *, similar: float = SIMILAR, span: timedelta = SPAN
) -> list[Item]:
    """Return `items` without near-duplicates, best first.

    Parameters
    ----------
    items : sequence
        Anything with a `title`, a `time` and its `assets`.
    rank : callable
        Sorts items, the best first. It must tell any two apart for the result not to depend on their order.
    similar : float, default 0.6
        Jaccard similarity from which two titles say the same, in (0, 1].
    span : timedelta, default 3 days
        Farthest apart that two near-duplicates are.
    """
    ranked = sorted(items, key=rank)  # type: ignore[arg-type]  # any key that sorts
    titles = [words(item.title) for item in ranked]
    frequency = Counter(word for title in titles for word in title)
    kept_by_word: dict[str, list[int]] = defaultdict(list)
    kept: list[Item] = []
    kept_titles: list[frozenset[str]] = []
    for item, title in zip(ranked, titles, strict=True):
        rarest_first = sorted(title, key=lambda word: (frequency[word], word))
        prefix = rarest_first[: len(title) - math.ceil(similar * len(title) - 1e-9) + 1]
        candidates = {number for word in prefix for number in kept_by_word[word]}
        if any(
            kept[number].assets == item.assets
            and abs(item.time - kept[number].time) <= span
            and similarity(title, kept_titles[number]) >= similar
            for number in candidates
        ):
            continue
        for word in prefix:
            kept_by_word[word].append(len(kept))
        kept.append(item)
        kept_titles.append(title)
    return kept
