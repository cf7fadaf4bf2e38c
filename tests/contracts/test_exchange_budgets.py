"""A minute's budget and a ban are shared by all who ask."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from signalbox.adapters.storage.exchange_budgets import DynamoExchangeBudgets
from signalbox.domain.errors import InvalidValueError, RateLimitedError
from signalbox.ports.market import ExchangeBudgets
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.market import InMemoryExchangeBudgets

budgets = either(InMemoryExchangeBudgets, DynamoExchangeBudgets)

SECOND = timedelta(seconds=1)


def test_a_minute_grants_its_limit_and_no_more(budgets: ExchangeBudgets):
    for _ in range(4):
        budgets.reserve("binance", 25, 100, NOW)

    with pytest.raises(RateLimitedError, match="must have 1 left, has 0 of 100") as refused:
        budgets.reserve("binance", 1, 100, NOW + 18 * SECOND)
    assert refused.value.retry_after == pytest.approx(42)


def test_a_refused_reservation_takes_nothing(budgets: ExchangeBudgets):
    budgets.reserve("binance", 90, 100, NOW)
    with pytest.raises(RateLimitedError):
        budgets.reserve("binance", 20, 100, NOW)

    budgets.reserve("binance", 10, 100, NOW)


def test_the_next_minute_grants_it_again(budgets: ExchangeBudgets):
    budgets.reserve("binance", 100, 100, NOW)

    budgets.reserve("binance", 100, 100, NOW + 60 * SECOND)
    with pytest.raises(RateLimitedError):
        budgets.reserve("binance", 1, 100, NOW + 61 * SECOND)


def test_a_clock_that_is_behind_opens_no_minute_of_its_own(budgets: ExchangeBudgets):
    budgets.reserve("binance", 100, 100, NOW + 60 * SECOND)

    with pytest.raises(RateLimitedError) as refused:
        budgets.reserve("binance", 1, 100, NOW + 59 * SECOND)
    assert refused.value.retry_after == pytest.approx(61)


def test_each_exchange_has_a_budget_of_its_own(budgets: ExchangeBudgets):
    budgets.reserve("binance", 100, 100, NOW)

    budgets.reserve("kraken", 100, 100, NOW)


def test_nobody_is_let_through_during_a_ban_and_everybody_after_it(budgets: ExchangeBudgets):
    budgets.reserve("kraken", 1, 100, NOW)
    budgets.ban("kraken", NOW + 90 * SECOND)

    for seconds, left in ((0, 90), (60, 30), (89, 1)):
        with pytest.raises(RateLimitedError, match="must not be called") as refused:
            budgets.reserve("kraken", 0, 100, NOW + seconds * SECOND)
        assert refused.value.retry_after == pytest.approx(left)
    budgets.reserve("kraken", 100, 100, NOW + 90 * SECOND)


def test_a_ban_before_the_first_call_counts_too_and_a_shorter_one_shortens_nothing(budgets: ExchangeBudgets):
    budgets.ban("bybit", NOW + 90 * SECOND)
    budgets.ban("bybit", NOW + 10 * SECOND)

    with pytest.raises(RateLimitedError) as refused:
        budgets.reserve("bybit", 1, 100, NOW + 11 * SECOND)
    assert refused.value.retry_after == pytest.approx(79)


def test_more_than_a_whole_minutes_budget_is_a_mistake(budgets: ExchangeBudgets):
    with pytest.raises(InvalidValueError, match="weight must be 0 to the limit of 100, was 101"):
        budgets.reserve("binance", 101, 100, NOW)


def test_workers_that_ask_at_once_never_get_more_than_there_is(one_call_at_a_time: None):
    shared = DynamoExchangeBudgets()

    def ask(_: int) -> bool:
        try:
            shared.reserve("binance", 10, 100, NOW)
        except RateLimitedError:
            return False
        return True

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(ask, range(16))) == 10
