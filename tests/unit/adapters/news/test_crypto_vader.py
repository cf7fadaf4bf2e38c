"""The scorer against plain VADER, on headlines written for this test. Figures are printed with `-s`.

Every other headline served to choose words; only the figure of the others says how the scorer does on what it has not
seen, and even that flatters, since one author wrote words and headlines.
"""

import csv
import gzip
import os
from pathlib import Path

import pytest

from signalbox.adapters.news.crypto_vader import CryptoVader, crypto_words

LABELS = ("positive", "neutral", "negative")
HEADLINES = [
    (label, title)
    for label, title in (
        line.split("\t")
        for line in (Path(__file__).parent / "headlines.tsv").read_text().splitlines()
        if not line.startswith("#")
    )
]
TUNED, HELD_OUT = HEADLINES[0::2], HEADLINES[1::2]


def label_of(polarity: float) -> str:
    """VADER's own limits."""
    return "positive" if polarity >= 0.05 else "negative" if polarity <= -0.05 else "neutral"


def macro_f1(scorer: CryptoVader, headlines) -> float:
    pairs = [(truth, label_of(scorer.polarity(title))) for truth, title in headlines]
    scores = []
    for label in LABELS:
        both = sum(truth == found == label for truth, found in pairs)
        either = sum((truth == label) + (found == label) for truth, found in pairs)
        scores.append(2 * both / either if either else 0.0)
    return sum(scores) / len(scores)


@pytest.fixture(scope="module")
def ours() -> CryptoVader:
    return CryptoVader()


@pytest.fixture(scope="module")
def plain() -> CryptoVader:
    return CryptoVader({})


def test_the_labelled_headlines_are_balanced_and_each_is_there_once():
    assert len(HEADLINES) >= 120
    assert len({title for _, title in HEADLINES}) == len(HEADLINES)
    for part in (TUNED, HELD_OUT):
        assert {label: sum(truth == label for truth, _ in part) for label in LABELS} == dict.fromkeys(LABELS, 23)


def test_on_headlines_held_out_the_words_of_the_trade_beat_plain_vader_clearly(ours, plain):
    for name, part in (("tuned", TUNED), ("held out", HELD_OUT)):
        print(f"macro-F1 {name} (n={len(part)}): {macro_f1(ours, part):.3f}, plain {macro_f1(plain, part):.3f}")  # noqa: T201
    assert macro_f1(ours, HELD_OUT) >= macro_f1(plain, HELD_OUT) + 0.15
    assert macro_f1(ours, HELD_OUT) >= 0.75


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("Team vanishes in rug pull", "Audit finds no rug pull"),
        ("Exchange hacked", "Exchange was not hacked"),
        ("Token delisted", "Token relisted as price soars"),
        ("Longs liquidated as price slides", "Short squeeze sends price to ATH"),
        ("Rally fades", "Rally goes on"),
        ("Rug-pull drains farm", "All-time high for farm token"),
        ("Regulator won’t approve fund", "Regulator will approve fund as bulls cheer"),
    ],
)
def test_vocabulary_and_negation_are_understood(ours, bad, good):
    assert ours.polarity(bad) < ours.polarity(good)


def test_a_polarity_stays_within_its_bounds_and_nothing_is_neutral(ours):
    assert ours.polarity("") == 0.0
    assert -1 <= ours.polarity("hack " * 60) < -0.9
    assert 0.9 < ours.polarity("rally ATH soars " * 30) <= 1


def test_every_word_has_a_weight_on_vaders_scale():
    words = crypto_words()
    assert len(words) > 500
    assert all(-4 <= weight <= 4 and word == word.casefold().strip() for word, weight in words.items())


@pytest.mark.data
def test_agreement_with_the_machine_labels_of_real_headlines_is_told_and_is_no_ground_truth(ours, plain):
    """The labels are another program's opinion of title and text: agreement by chance is all that is asked."""
    if "SIGNALBOX_DATA" not in os.environ:
        pytest.skip("SIGNALBOX_DATA names no folder of real headlines")
    with gzip.open(Path(os.environ["SIGNALBOX_DATA"]) / "news-2021-2022.csv.gz", "rt", encoding="utf-8") as lines:
        rows = [(row["class"], row["title"]) for row in csv.DictReader(lines)]
    agreement, plainly = macro_f1(ours, rows), macro_f1(plain, rows)
    print(f"macro-F1 with machine labels (n={len(rows)}): {agreement:.3f}, plain {plainly:.3f}")  # noqa: T201
    assert agreement > 1 / 3
