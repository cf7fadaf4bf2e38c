import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.sentiment.titles import SIMILAR, SPAN, distinct, similarity, words
from tests.builders import NOW


@dataclass(frozen=True)
class Told:
    """A title with a time and a rank, and the assets it speaks of where they matter."""

    title: str
    rank: int = 0
    time: datetime = NOW
    assets: tuple[str, ...] = ()


def rank(told: Told):
    return (told.rank, told.title, told.time)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bitcoin Rallies Past $40,000 on ETF Hopes", "Bitcoin rallies past $40000 on ETF hopes - report"),
        ("SEC sues Binance over unregistered securities", "SEC Sues Binance Over 'Unregistered' Securities, Again"),
        ("Ethereum’s Merge is complete", "Ethereum's merge is complete"),
        ("Café chain accepts Litecoin", "Cafe chain accepts Litecoin"),
    ],
)
def test_the_same_story_in_other_words_is_one(one, other):
    assert len(distinct([Told(one), Told(other, 1)], rank)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bitcoin climbs above $40,000", "Bitcoin falls below $40,000"),
        ("Solana jumps 9% after upgrade", "Cardano jumps 9% after listing"),
        ("Price analysis 1/24: BTC, ETH", "Weekly survey of crypto funds"),
    ],
)
def test_different_stories_stay_two(one, other):
    assert len(distinct([Told(one), Told(other, 1)], rank)) == 2


def test_the_same_words_of_another_asset_are_its_own_news():
    stories = [
        Told(f"{name} ETF inflows hit record high this week", number, assets=(code,))
        for number, (name, code) in enumerate((("Bitcoin", "BTC"), ("Ethereum", "ETH")))
    ]
    assert distinct(stories, rank) == stories
    assert distinct([*stories, Told("Bitcoin ETF inflows hit a record high", 2, assets=("BTC",))], rank) == stories


def test_a_column_of_the_same_name_days_later_is_another_story():
    first, later = Told("Price analysis: BTC, ETH, XRP"), Told("Price analysis: BTC, ETH, XRP", 1, NOW + SPAN * 1.01)
    assert distinct([first, later], rank) == [first, later]
    assert distinct([first, Told(first.title, 1, NOW + SPAN)], rank) == [first]


def test_the_best_one_stands_for_the_others():
    best, worse = Told("Bitcoin rallies past resistance today", 0), Told("Bitcoin rallies past resistance", 1)
    assert distinct([worse, best], rank) == [best]


VOCABULARY = ["bitcoin", "ether", "rallies", "falls", "after", "etf", "news", "today", "market", "sec", "40,000"]


@given(st.lists(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=7), max_size=30), st.randoms())
def test_the_outcome_is_that_of_comparing_every_pair_in_any_order(titles, shuffler):
    items = [Told(" ".join(title), number % 5) for number, title in enumerate(titles)]
    kept: list[Told] = []
    for item in sorted(items, key=rank):
        if all(similarity(words(item.title), words(other.title)) < SIMILAR for other in kept):
            kept.append(item)
    shuffled = items[:]
    shuffler.shuffle(shuffled)
    assert distinct(shuffled, rank) == distinct(items, rank) == kept


def test_of_thousands_of_titles_few_pairs_share_their_rare_words():
    chance = random.Random(7)
    vocabulary = [f"word{number}" for number in range(3000)]
    titles = [" ".join(chance.sample(vocabulary, 9)) for _ in range(3000)]
    items = [Told(title, number) for number, title in enumerate([*titles, *(f"{title} again" for title in titles)])]
    assert [item.title for item in distinct(items, rank)] == titles


def test_titles_of_empty_words_alone_are_still_compared():
    assert distinct([Told("It Is On"), Told("it is on", 1, NOW + timedelta(hours=1))], rank) == [Told("It Is On")]
