from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from signalbox.domain.delivery.rendering import render
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Ending, Status
from signalbox.domain.signals.withdrawal import checked_reason, reason_of, withdraw
from tests.unit.domain.signals.cases import START, make_signal, sheared

LATER = START + timedelta(hours=2)


def test_a_withdrawn_signal_is_invalidated_without_a_result_and_keeps_what_was_published():
    signal = make_signal(revision=3, notes=("gapped",), candles_hash="abc")
    ended, record = withdraw(signal, "exchange halted", LATER)

    assert (ended.status, ended.revision) == (Status.INVALIDATED, 4)
    assert ended.ending == Ending(
        status=Status.INVALIDATED,
        ended_at=LATER,
        exit_price=None,
        r=None,
        optimistic_r=None,
        cost_r=None,
        ambiguous=False,
        candles_hash="abc",
    )
    assert sheared(ended) == sheared(signal)
    assert ended.notes == ("gapped", "withdrawn: exchange halted")
    assert (record["kind"], record["number"], record["withdrawn"]) == ("ended", 4, "exchange halted")


def test_only_an_open_signal_that_has_not_run_out_can_be_withdrawn():
    signal = make_signal()
    ended, _ = withdraw(signal, "halted", LATER)
    with pytest.raises(InvalidValueError, match=r"must be open to be withdrawn, .* is INVALIDATED"):
        withdraw(ended, "again", LATER)
    with pytest.raises(InvalidValueError, match="must be withdrawn before it expires"):
        withdraw(signal, "too late", signal.expires_at)


@pytest.mark.parametrize("price", ["98", "97.2", "104", "111"])
def test_a_signal_whose_price_was_seen_at_a_level_is_left_to_its_candles(price: str):
    """Its stop may be hit already, by a candle that has not closed yet."""
    signal = make_signal(revision=1, revised_price=Decimal(price), revised_at=LATER)
    with pytest.raises(InvalidValueError, match=f"reaches a level, .* came to {price}"):
        withdraw(signal, "exchange halted", LATER)


def test_a_signal_that_was_invalidated_by_its_fill_was_not_withdrawn():
    signal = make_signal(notes=("withdrawn: no, this is a note of an open one",))
    assert reason_of(signal) is None
    assert reason_of(replace(signal, status=Status.INVALIDATED, notes=())) is None
    assert reason_of(withdraw(signal, "wrong feed", LATER)[0]) == "wrong feed"


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "a\nb", "<b>bold</b>", "{{name}}", 'say "no"'])
def test_a_reason_that_cannot_be_told_is_refused(text: str):
    with pytest.raises(InvalidValueError):
        checked_reason(text)


def test_a_reason_may_be_a_sentence():
    assert checked_reason("  Binance halted withdrawals;   prices are   not real (09:40 UTC) ") == (
        "Binance halted withdrawals; prices are not real (09:40 UTC)"
    )


def test_subscribers_read_that_it_was_withdrawn_and_why():
    ended, _ = withdraw(make_signal(), "exchange halted", LATER)
    message = render(ended, EventKind.ENDED, "")
    assert message.text.startswith("The BUY signal on BTC/USDT of ")
    assert "was withdrawn (exchange halted)." in message.text
    assert "was withdrawn (exchange halted)." in message.html
    assert "INVALIDATED" in message.subject
