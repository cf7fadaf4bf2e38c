"""Which index answers what."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.adapters.storage.history_plan import Stream, plan_for
from signalbox.adapters.storage.signal_items import SignalItem
from signalbox.adapters.storage.signal_keys import number_key
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.history.search import parse
from signalbox.domain.signals.signal import Status
from signalbox.ports.signals import FeedQuery

JANUARY, MARCH = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)


def ask(text: str = "", **overrides) -> FeedQuery:
    values = {"since": JANUARY, "until": MARCH, "visible_at": MARCH, "limit": 50, "where": parse(text).where}
    return FeedQuery(**values | overrides)


@pytest.mark.parametrize(
    ("text", "index", "residual"),
    [
        ("", "feed-by-time", ()),
        ("regime:UP quality>80", "feed-by-time", ("regimes", "quality")),
        ("symbol:BTC/USDT", None, ()),
        ("strategy:breakout", "strategy-by-time", ()),
        ("type:buy", "type-by-time", ()),
        ("type:buy,sell", "feed-by-time", ("signal_types",)),
        ("status:stop", "status-by-time", ()),
        ("status:open", "status-by-time", ()),
        ("status:open strategy:breakout", "status-by-time", ("strategies",)),
        ("status:stop strategy:breakout type:buy", "strategy-by-time", ("signal_types", "statuses")),
        ("symbol:BTC/USDT,ETH/USDT status:stop", None, ("statuses",)),
        ("status:stop,target type:sell", "type-by-time", ("statuses",)),
    ],
)
def test_by_date_the_index_with_the_smallest_share_answers(text, index, residual):
    plan = plan_for(ask(text), None)

    assert (plan.index, plan.residual) == (index, residual)
    assert plan.range_name == "created_key"


@pytest.mark.parametrize(
    ("sort", "text", "index", "residual"),
    [
        (Sort.QUALITY, "", "feed-by-quality", ()),
        (Sort.CONFIDENCE, "", "feed-by-confidence", ()),
        (Sort.QUALITY, "quality>80", "feed-by-quality", ()),
        (Sort.QUALITY, "confidence>0.5", "feed-by-quality", ("confidence",)),
        (Sort.QUALITY, "symbol:BTC/USDT", "symbol-by-quality", ("created_at",)),
        (Sort.CONFIDENCE, "symbol:BTC/USDT status:stop", "symbol-by-confidence", ("statuses", "created_at")),
    ],
)
def test_by_quality_and_confidence_the_index_of_that_order_answers(sort, text, index, residual):
    plan = plan_for(ask(text, sort=sort), None)

    assert (plan.index, plan.residual) == (index, residual)


def test_a_feed_by_date_reads_month_after_month_and_a_ranking_merges_them():
    months = [(Stream("2024-02#0"),), (Stream("2024-01#0"),)]

    assert list(plan_for(ask(), None).steps) == months
    assert list(plan_for(ask(descending=False), None).steps) == months[::-1]
    assert plan_for(ask(sort=Sort.QUALITY), None).steps == ((Stream("2024-02#0"), Stream("2024-01#0")),)


def test_a_range_of_quality_bounds_what_a_ranking_reads():
    plan = plan_for(ask("quality:60..80", sort=Sort.QUALITY), None)

    assert (plan.lower, plan.upper) == (number_key(60.0), f"{number_key(80.0)}$")


def test_a_page_goes_on_from_its_position():
    assert plan_for(ask(), "2024-02-03T00:00:00Z#id").upper == "2024-02-03T00:00:00Z#id"
    assert plan_for(ask(descending=False), "2024-02-03T00:00:00Z#id").lower == "2024-02-03T00:00:00Z#id"


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("text", ["", "symbol:BTC/USDT", "status:stop", "type:buy", "strategy:null,breakout"])
def test_the_null_strategys_keys_are_read_only_when_it_is_named(sort, text):
    streams = [stream for step in plan_for(ask(text, sort=sort), None).steps for stream in step]

    assert any(stream.space for stream in streams) == ("null" in text)


def test_only_the_null_strategy_is_read_where_only_it_is_named():
    plan = plan_for(ask("strategy:null symbol:BTC/USDT"), None)

    assert plan.steps == ((Stream("BTC/USDT", "null#"),),)
    assert plan.residual == ()


def test_words_are_intersected_and_a_single_symbol_or_strategy_is_one_of_them():
    plan = plan_for(ask("gap symbol:BTC/USDT strategy:breakout status:stop"), None)

    assert plan.words == ("breakout", "btc/usdt", "gap")
    assert plan.residual == ("statuses",)


@pytest.mark.parametrize("symbol", ["$MICHI/USDT", "BTC/USDT:USDT", f"{'A' * 30}/{'B' * 30}"])
def test_a_symbol_that_is_no_word_stays_a_condition(symbol):
    plan = plan_for(ask(where=SignalFilter(symbols=frozenset({symbol}), words=frozenset({"gap"}))), None)

    assert (plan.words, plan.residual) == (("gap",), ("symbols",))


def test_words_filter_where_the_order_is_no_time_or_the_null_strategy_has_none():
    assert plan_for(ask("gap", sort=Sort.QUALITY), None).residual == ("words",)
    assert plan_for(ask("gap strategy:null"), None).residual == ("words",)


filters = st.builds(
    SignalFilter,
    symbols=st.frozensets(st.sampled_from(["BTC/USDT", "ETH/USDT"])),
    strategies=st.frozensets(st.sampled_from(["breakout", "null"])),
    statuses=st.frozensets(st.sampled_from(Status)),
    regimes=st.frozensets(st.sampled_from(["UP", "LOW"])),
    words=st.frozensets(st.sampled_from(["btc", "gap"])),
)


@given(filters, st.sampled_from(Sort), st.booleans())
def test_whatever_is_asked_is_answered_by_keys_and_never_by_a_scan(where, sort, descending):
    plan = plan_for(ask(where=where, sort=sort, descending=descending), None)
    schema = SignalItem._get_schema()
    indexes = [*schema["global_secondary_indexes"], *schema["local_secondary_indexes"]]
    keys = {
        each["index_name"]: {key["KeyType"]: key["AttributeName"] for key in each["key_schema"]} for each in indexes
    }

    assert plan.words or plan.steps
    if not plan.words:
        expected = {"HASH": "symbol", "RANGE": "created_key"} if plan.index is None else keys[plan.index]
        assert {"HASH": plan.hash_name, "RANGE": plan.range_name} == expected
    answered = set(where.asked) - set(plan.residual)
    assert answered <= {"symbols", "strategies", "statuses", "words"}


@given(st.lists(st.floats(min_value=0, allow_infinity=True), min_size=2))
def test_number_keys_sort_as_the_numbers_do(numbers):
    assert [number_key(each) for each in sorted(numbers)] == sorted(number_key(each) for each in numbers)


@pytest.mark.parametrize("bad", [-0.1, float("nan")])
def test_a_number_that_would_not_sort_is_refused(bad):
    with pytest.raises(InvalidValueError, match="at least 0"):
        number_key(bad)


def test_a_ranking_of_all_symbols_has_a_longest_span():
    with pytest.raises(InvalidValueError, match="1830 days at most, was 3652"):
        ask(sort=Sort.QUALITY, since=datetime(2014, 3, 1, tzinfo=UTC), until=datetime(2024, 2, 29, tzinfo=UTC))
