"""Exchanges are asked at once, and nobody waits for the slow one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import wait as wait_for_all
from dataclasses import dataclass, field
from threading import Barrier, Event
from typing import Any

import pytest

from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeUnavailableError,
    RateLimitedError,
    SignalboxError,
)
from signalbox.domain.market.quotes import Quote
from signalbox.services.quotes import Answer, ask_all
from tests.fakes.market import FakeExchange

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def exchange(exchange_id: str, **overrides: Any) -> FakeExchange:
    quoted = {symbol: Quote(symbol, exchange_id, 0, 1.0, 1.0, 1.0) for symbol in SYMBOLS}
    return FakeExchange(exchange_id, quoted=quoted, **overrides)


@dataclass
class SlowExchange(FakeExchange):
    """Says nothing until it is let go."""

    released: Event = field(default_factory=Event)

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        self.released.wait(10)
        return super().quotes(symbols)


@dataclass
class MeetingExchange(FakeExchange):
    """Answers only once as many exchanges are being asked as the barrier waits for."""

    barrier: Barrier = field(default_factory=lambda: Barrier(1))

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        self.barrier.wait(10)
        return super().quotes(symbols)


@pytest.fixture
def slow() -> Iterator[SlowExchange]:
    found = SlowExchange("kraken", quoted=exchange("kraken").quoted)
    yield found
    found.released.set()


def test_every_exchange_is_asked_for_all_symbols_at_the_same_time():
    barrier = Barrier(3)
    three = [MeetingExchange(name, quoted=exchange(name).quoted, barrier=barrier) for name in ("a", "b", "c")]

    found = ask_all(three, SYMBOLS, deadline_seconds=10)

    assert [(quote.exchange, quote.symbol) for quote in found.quotes] == [(e, s) for e in "abc" for s in SYMBOLS]
    assert found.silent == {}
    assert all(each.calls == [("quotes", *SYMBOLS)] for each in three)


def test_a_slow_exchange_is_left_out_when_the_deadline_is_over(slow: SlowExchange):
    deadlines = []

    def wait_for_the_first_two(answers: Sequence[Answer], seconds: float) -> None:
        deadlines.append(seconds)
        wait_for_all(answers[:2], 10)

    two = [exchange("binance"), exchange("bybit")]
    found = ask_all([*two, slow], SYMBOLS, deadline_seconds=8.0, wait=wait_for_the_first_two)

    assert deadlines == [8.0]
    assert {quote.exchange for quote in found.quotes} == {"binance", "bybit"}
    assert found.silent == {"kraken": "late"}


def test_the_deadline_is_kept(slow: SlowExchange):
    assert ask_all([slow], SYMBOLS, deadline_seconds=0.005).silent == {"kraken": "late"}


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ExchangeUnavailableError("down"), "down"),
        (RateLimitedError("hush", 60), "rate_limited"),
        (ExchangeRefusedError("not here"), "refused"),
    ],
)
def test_an_exchange_that_fails_is_left_out_with_the_reason(error: SignalboxError, why: str):
    found = ask_all([exchange("binance"), exchange("bybit", quote_error=error)], SYMBOLS, deadline_seconds=10)

    assert {quote.exchange for quote in found.quotes} == {"binance"}
    assert found.silent == {"bybit": why}


def test_what_is_our_own_mistake_is_not_taken_for_silence():
    with pytest.raises(ZeroDivisionError):
        ask_all([exchange("bybit", quote_error=ZeroDivisionError())], SYMBOLS, deadline_seconds=10)


def test_of_no_exchange_there_are_no_quotes():
    assert ask_all([], SYMBOLS, deadline_seconds=1).quotes == ()
