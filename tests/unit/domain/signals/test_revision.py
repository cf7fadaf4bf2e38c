"""Revisions: when the current levels change, what to, and that they do not flap."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_ms
from signalbox.domain.signals.costs import Costs
from signalbox.domain.signals.revision import Revision, RevisionReason, RevisionRules, current_levels, revise
from signalbox.domain.signals.signal import Signal, Status
from tests.unit.domain.signals.cases import NOW, make_signal, price, sheared

RULES = RevisionRules(costs=Costs(fee_bps=0, half_spread_bps=0, slippage_bps=0))


def revised(
    signal: Signal, value: float, *, minute: int = 10, atr: float | None = None
) -> tuple[Signal, Revision] | None:
    return revise(signal, price(value, minute=minute), atr=atr, now=NOW, rules=RULES)


def test_a_move_past_the_threshold_gives_the_entry_of_now_beside_the_published_target_and_stop():
    signal = make_signal()
    after, revision = revised(signal, 100.7)
    assert (revision.number, revision.reason, revision.may_act) == (1, RevisionReason.PRICE_MOVED, True)
    assert revision.levels == replace(signal.levels, entry_price=Decimal("100.7"))
    assert revision.reward_risk == pytest.approx(3.3 / 2.7)
    assert (after.revision, current_levels(after)) == (1, revision.levels)
    assert sheared(after) == sheared(signal)


def test_the_threshold_is_in_atr_where_known_and_never_below_its_basis_points():
    assert revised(make_signal(), 100.59) is None
    assert revised(make_signal(), 100.7, atr=2.0) is None
    assert revised(make_signal(), 99.0, atr=2.0)[1].reason is RevisionReason.PRICE_MOVED
    assert revised(make_signal(), 100.5, atr=0.1) is None


def test_moves_are_measured_from_the_last_revision():
    after, _ = revised(make_signal(), 100.7)
    assert revised(after, 100.1, minute=11) is None
    assert revised(after, 100.0, minute=11)[1].number == 2


def test_once_too_little_is_left_it_may_not_be_acted_on():
    after, revision = revised(make_signal(), 101.5)
    assert (revision.reason, revision.may_act) == (RevisionReason.CHASING, False)
    assert not after.is_valid(NOW)
    assert after.status is Status.OPEN


def test_it_may_be_acted_on_again_only_well_above_the_minimum_and_after_a_real_move():
    after, _ = revised(make_signal(), 101.2)
    assert not after.may_act
    assert revised(after, 100.9, minute=11) is None
    further, _ = revised(after, 101.9, minute=11)
    still, revision = revised(further, 100.95, minute=12)
    assert (revision.reason, still.may_act) == (RevisionReason.PRICE_MOVED, False)
    assert revision.reward_risk > RULES.min_reward_risk
    back, revision = revised(after, 100.5, minute=12)
    assert (revision.reason, back.may_act) == (RevisionReason.WORTH_ACTING, True)


@pytest.mark.parametrize("value", [104.0, 104.5, 98.0, 97.0])
def test_a_level_that_is_crossed_is_a_revision_and_ends_acting(value: float):
    after, revision = revised(make_signal(), value)
    assert (revision.reason, revision.may_act, revision.reward_risk) == (RevisionReason.LEVEL_CROSSED, False, None)
    assert after.status is Status.OPEN


def test_a_price_that_flaps_about_the_stop_is_one_revision():
    after, _ = revised(make_signal(), 97.99)
    assert all(revised(after, value, minute=11 + at) is None for at, value in enumerate([98.01, 97.99, 98.05, 97.9]))


def test_costs_count_in_what_is_left():
    dear = RevisionRules(costs=Costs(fee_bps=50))
    assert revise(make_signal(), price(100.7), atr=None, now=NOW, rules=dear)[1].reason is RevisionReason.CHASING


def test_time_that_ran_out_ends_acting_once():
    signal = make_signal()
    after, revision = revise(signal, price(100.0), atr=None, now=signal.expires_at, rules=RULES)
    assert (revision.reason, after.may_act) == (RevisionReason.TIME_RAN_OUT, False)
    assert revise(after, price(100.0), atr=None, now=signal.expires_at, rules=RULES) is None


def test_older_prices_the_same_price_again_and_ended_signals_change_nothing():
    after, _ = revised(make_signal(), 100.7, minute=10)
    assert revised(after, 99.0, minute=9) is None
    assert revised(after, 100.7, minute=10) is None
    assert revised(replace(make_signal(), status=Status.EXPIRED), 101.0) is None
    with pytest.raises(InvalidValueError, match="BTC/USDT"):
        revise(make_signal(), price(100.0, symbol="ETH/USDT"), atr=None, now=NOW)


def test_a_revision_tells_its_history_in_exact_text():
    record = revised(make_signal(), 100.7)[1].to_record()
    assert (record["number"], record["reason"], record["entry_price"]) == (1, "price_moved", "100.7")
    assert record["as_of"] == "2024-01-05T13:10:00Z"


def test_a_revision_keeps_which_exchanges_its_price_came_from_and_why_others_do_not_count():
    seen = replace(price(101.0, minute=10), rejected={"bybit": "outlier"}, low_trust=True)
    record = revise(make_signal(), seen, atr=None, now=NOW)[1].to_record()
    assert record["used"] == ["binance", "kraken"]
    assert record["rejected"] == {"bybit": "outlier"}
    assert record["low_trust"] is True


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), buy=st.booleans(), order=st.randoms(use_true_random=False))
def test_a_batch_delivered_again_in_any_order_adds_nothing_and_numbers_never_skip(seed: int, buy: bool, order):
    rng = np.random.default_rng(seed)
    walk = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, 60)))
    prices = [price(float(value), minute=at) for at, value in enumerate(walk)]
    signal = first = make_signal(buy=buy)
    numbers = []
    for now_price in prices:
        found = revise(signal, now_price, atr=None, now=NOW, rules=RULES)
        if found:
            signal, revision = found
            numbers.append(revision.number)
            assert revision.may_act <= (revision.reward_risk is not None)
    assert numbers == list(range(1, len(numbers) + 1))
    assert sheared(signal) == sheared(first)
    old = [one for one in prices if signal.revised_at and one.time <= to_ms(signal.revised_at)] * 5
    order.shuffle(old)
    assert all(revise(signal, one, atr=None, now=NOW, rules=RULES) is None for one in old)
