"""Polarity of a headline: VADER (Hutto and Gilbert, ICWSM 2014) with the words of this trade.

VADER's own words are of everyday life: it knows neither "rug pull" nor "ATH", and takes "security" and "interest" for
moods where they are terms of finance. `crypto_words.tsv` adds words, phrases and
overrides on VADER's scale of -4 to 4; phrases are joined to one word before scoring, the longest first, so that VADER's
negations, degrees and emphasis work on them as on any word.
"""

import re
from functools import cache
from importlib.resources import files

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from signalbox.domain.errors import InvalidValueError

VERSION = "vader-3.3.2+crypto-1"

_SCALE = 4.0
_LETTERS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": " - ", "—": " - ", "/": " / "})


class CryptoVader:
    """Implements `ports.SentimentScorer`.

    Parameters
    ----------
    words : mapping of str to float, optional
        What is added to VADER's own words; by default `crypto_words.tsv`. Empty gives plain VADER.
    """

    version = VERSION

    def __init__(self, words: dict[str, float] | None = None) -> None:
        words = crypto_words() if words is None else words
        self._analyzer = SentimentIntensityAnalyzer()
        self._analyzer.lexicon.update({_joined(word): weight for word, weight in words.items()})
        phrases = sorted((word for word in words if " " in word), key=len, reverse=True)
        self._phrases = re.compile(
            r"(?<!\w)(?:" + "|".join(re.escape(phrase).replace(r"\ ", r"[\s-]+") for phrase in phrases) + r")(?!\w)",
            re.IGNORECASE,
        ) if phrases else None  # fmt: skip

    def polarity(self, text: str) -> float:
        """Return VADER's compound score, in [-1, 1]."""
        plain = text.translate(_LETTERS)
        if self._phrases:
            plain = self._phrases.sub(lambda found: _joined(re.sub(r"[\s-]+", " ", found[0])), plain)
        return float(self._analyzer.polarity_scores(plain)["compound"])


@cache
def crypto_words() -> dict[str, float]:
    """Return our words and phrases with their weights, in [-4, 4].

    Raises InvalidValueError naming the line of the file that is no word and weight, or repeats a word.
    """
    words: dict[str, float] = {}
    text = (files("signalbox.adapters.news") / "crypto_words.tsv").read_text("utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not line.startswith("#"):
            word, _, weight = line.partition("\t")
            if not re.fullmatch(r"-?[0-4](\.\d)?", weight) or abs(float(weight)) > _SCALE or word in words:
                raise InvalidValueError(f"line {number} must be a new word, tab, weight in [-4, 4], was {line!r}")
            words[word] = float(weight)
    return words


def _joined(phrase: str) -> str:
    return phrase.replace(" ", "_").casefold()
