import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import MARKET, RULES, aggregates, rule_of
from signalbox.domain.sentiment.items import NewsItem, ScoredItem
from tests.builders import NOW

HOUR = timedelta(hours=1)


def item(number: int, age_hours: float = 1.0, polarity: float = 0.5, **overrides) -> ScoredItem:
    time = NOW - age_hours * HOUR
    values = {
        "item_id": f"{number:032x}",
        "source": "wire",
        "title": f"Story number {number} tells of item{number} and thing{number}",
        "url": "",
        "time": time,
        "known_at": time,
        "polarity": polarity,
        "weight": 1.0,
        "assets": ("BTC",),
        "scorer": "test-1",
    }
    return ScoredItem(**values | overrides)


def of_btc(items, timeframe=Timeframe.H1):
    found = {each.asset: each for each in at(items, timeframe)}
    return found["BTC"]


def at(items, timeframe=Timeframe.H1, moment=NOW):
    return aggregates(items, timeframe=timeframe, created_at=moment, published_at=moment)


def test_the_score_is_the_formula_of_the_definitions():
    items = [item(1, 0, 0.8), item(2, 6, -0.4, weight=0.5), item(3, 12, 0.1), item(4, 3, 0.0)]
    weights = [1.0, 0.5 * math.exp(-1), math.exp(-2), math.exp(-0.5)]
    mean = sum(w * p for w, p in zip(weights, (0.8, -0.4, 0.1, 0.0), strict=True)) / sum(weights)
    found = of_btc(items)
    assert found.mean == pytest.approx(mean, abs=1e-12)
    assert found.score == pytest.approx(mean * 4 / (4 + 5), abs=1e-12)
    assert found.shrinkage == pytest.approx(4 / 9)
    assert found.effective_n == pytest.approx(sum(weights) ** 2 / sum(w * w for w in weights))
    assert found.dispersion == pytest.approx(
        math.sqrt(sum(w * (p - mean) ** 2 for w, p in zip(weights, (0.8, -0.4, 0.1, 0.0), strict=True)) / sum(weights))
    )


@pytest.mark.parametrize("timeframe", RULES)
def test_below_the_minimum_n_there_is_no_score_but_n_is_told(timeframe):
    few = [item(number) for number in range(rule_of(timeframe).minimum - 1)]
    assert (of_btc(few, timeframe).score, of_btc(few, timeframe).n) == (None, len(few))
    assert of_btc([*few, item(99)], timeframe).score is not None


def test_without_any_item_the_market_has_no_score_and_no_asset_has_a_record():
    (market,) = at([])
    assert (market.asset, market.score, market.mean, market.n, market.effective_n) == (MARKET, None, None, 0, 0.0)


def test_an_item_counts_for_every_asset_it_names_and_once_for_the_market():
    found = {each.asset: each.n for each in at([item(1, assets=("BTC", "ETH")), item(2, assets=())])}
    assert found == {"BTC": 1, "ETH": 1, MARKET: 2}


def test_sources_are_told_apart():
    items = [item(1, polarity=1.0), item(2, polarity=-1.0, source="daily"), item(3, polarity=0.5)]
    shares = of_btc(items).sources
    assert {source: (share.n, share.mean) for source, share in shares.items()} == {
        "daily": (1, -1.0),
        "wire": (2, pytest.approx(0.75)),
    }


def test_an_item_fetched_again_counts_once_as_it_was_known_first():
    again = replace(item(1), known_at=NOW, polarity=-1.0)
    assert of_btc([item(1), again]).mean == of_btc([again, item(1)]).mean == 0.5


def test_of_two_titles_that_say_the_same_the_weightier_source_counts():
    cheap = item(1, polarity=-1.0, weight=0.5, title="Bitcoin rallies past $40,000 on ETF hopes")
    best = item(2, polarity=1.0, source="daily", title="Bitcoin Rallies Past $40,000 on ETF Hopes: Report")
    assert of_btc([cheap, best]).mean == of_btc([best, cheap]).mean == 1.0


def test_what_is_published_or_known_later_is_not_known_yet():
    known = [item(number) for number in range(4)]
    later = item(5, polarity=-1.0, known_at=NOW + timedelta(milliseconds=1))
    ahead = item(6, -1, polarity=-1.0)
    assert at([*known, later, ahead]) == at(known)
    assert of_btc([*known, replace(later, known_at=NOW)]).n == 5


def test_what_is_older_than_the_window_does_not_count():
    window = rule_of(Timeframe.H1).window / HOUR
    assert of_btc([item(1, window - 0.01), item(2, window)]).n == 1


@given(st.data())
def test_an_aggregate_is_the_same_whatever_comes_later_and_in_whichever_order(data):
    ages = st.floats(-48, 48, allow_nan=False)
    drawn = data.draw(st.lists(st.tuples(ages, st.floats(-1, 1)), max_size=25))
    items = [item(number, age, polarity) for number, (age, polarity) in enumerate(drawn)]
    known = [each for each in items if each.known_at <= NOW]
    assert at(data.draw(st.permutations(items))) == at(known)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(-1, 1), st.floats(0.1, 1)), min_size=1, max_size=40))
def test_a_score_stays_within_its_bounds(drawn):
    found = of_btc([item(n, age, polarity, weight=weight) for n, (age, polarity, weight) in enumerate(drawn)])
    assert 0 < found.effective_n <= found.n + 1e-9
    assert found.mean is not None
    assert min(p for _, p, _ in drawn) - 1e-12 <= found.mean <= max(p for _, p, _ in drawn) + 1e-12
    assert found.score is None or abs(found.score) <= abs(found.mean)


def test_a_timeframe_without_a_rule_is_refused():
    with pytest.raises(InvalidValueError, match=r"must be one of 1h, 4h, 1d, was <Timeframe.M5"):
        at([], Timeframe.M5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"polarity": 1.1}, "polarity must be in"),
        ({"weight": 0.0}, "weight must be in"),
        ({"known_at": NOW - 9 * HOUR}, "before it is published"),
    ],
)
def test_an_impossible_item_is_refused(wrong, message):
    with pytest.raises(InvalidValueError, match=message):
        item(1, **wrong)


def test_an_items_id_depends_on_its_source_and_its_guid_or_else_its_title():
    named = NewsItem(source="wire", title="One title", guid="7")
    assert named.item_id == NewsItem(source="wire", title="Corrected title", guid="7").item_id
    assert named.item_id != NewsItem(source="daily", title="One title", guid="7").item_id
    unnamed = NewsItem(source="wire", title="Bitcoin Rallies, Again!")
    assert unnamed.item_id == NewsItem(source="wire", title="bitcoin rallies again").item_id
    with pytest.raises(InvalidValueError, match="must have a source and a title"):
        NewsItem(source="wire", title="  ")
