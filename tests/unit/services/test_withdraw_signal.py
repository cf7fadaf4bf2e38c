from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.domain.errors import InvalidValueError, TransientError
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.signals.withdrawal import reason_of
from signalbox.services.withdraw_signal import withdraw_signal
from tests.builders import NOW, make_signal
from tests.fakes.signals import InMemoryPriceHistory, InMemorySignalChanges, InMemorySignals
from tests.unit.services.repricing_house import MINUTE, SYMBOLS, House, buy

LATER = NOW + timedelta(minutes=5)


class Overtaken(InMemorySignalChanges):
    """Somebody else revises the signal before each of the first `times` changes."""

    def __init__(self, signals: InMemorySignals, history: InMemoryPriceHistory, times: int) -> None:
        super().__init__(signals, history)
        self.signals, self.times = signals, times

    def apply(self, before: Signal, after: Signal, record: Any = None) -> bool:
        if self.times:
            self.times -= 1
            self.signals.update(before, replace(before, revision=before.revision + 1))
        return super().apply(before, after, record)


@pytest.fixture
def stored() -> tuple[InMemorySignals, InMemoryPriceHistory, Signal]:
    signals, signal = InMemorySignals(), make_signal()
    signals.add(signal)
    return signals, InMemoryPriceHistory(), signal


def test_a_withdrawal_asked_for_twice_is_one_ending_with_the_first_reason(stored):
    signals, history, signal = stored
    changes = InMemorySignalChanges(signals, history)
    for reason, at in (("exchange halted", LATER), ("once more", LATER + MINUTE)):
        found = withdraw_signal(signal.signal_id, reason, signals=signals, changes=changes, now=at)
        assert reason_of(found) == "exchange halted"
    assert signals.get(signal.signal_id).ending.ended_at == LATER
    assert [record["withdrawn"] for record in history.of_signal(signal.signal_id)] == ["exchange halted"]


def test_a_change_in_between_is_kept_and_the_withdrawal_comes_after_it(stored):
    signals, history, signal = stored
    found = withdraw_signal(
        signal.signal_id, "halted", signals=signals, changes=Overtaken(signals, history, 2), now=LATER
    )
    assert (found.status, found.revision) == (Status.INVALIDATED, 3)


def test_a_signal_that_ended_by_itself_stays_as_it_ended(stored):
    signals, history, signal = stored
    expired = replace(signal, status=Status.EXPIRED, revision=1)
    signals.update(signal, expired)
    with pytest.raises(InvalidValueError, match=r"must be open to be withdrawn, .* is EXPIRED"):
        withdraw_signal(
            signal.signal_id, "halted", signals=signals, changes=InMemorySignalChanges(signals, history), now=LATER
        )
    assert signals.get(signal.signal_id) == expired


def test_a_withdrawal_that_always_meets_others_is_tried_again_later(stored):
    signals, history, signal = stored
    with pytest.raises(TransientError, match="others changed it first"):
        withdraw_signal(signal.signal_id, "halted", signals=signals, changes=Overtaken(signals, history, 99), now=LATER)
    assert signals.get(signal.signal_id).status is Status.OPEN


def test_what_is_not_stored_cannot_be_withdrawn(stored):
    signals, history, _ = stored
    changes = InMemorySignalChanges(signals, history)
    unknown = make_signal(symbol="XRP/USDT").signal_id
    with pytest.raises(InvalidValueError, match="must be that of a stored signal"):
        withdraw_signal(unknown, "halted", signals=signals, changes=changes, now=LATER)
    with pytest.raises(InvalidValueError):
        withdraw_signal("no-id", "halted", signals=signals, changes=changes, now=LATER)


def test_re_pricing_leaves_a_withdrawn_signal_alone():
    house = House()
    for symbol in SYMBOLS:
        house.signals.add(buy(symbol))
    withdrawn = house.signals.open_of(["BTC/USDT"])[0]
    withdraw_signal(withdrawn.signal_id, "halted", signals=house.signals, changes=house.changes, now=NOW + MINUTE)
    ended = house.signals.get(withdrawn.signal_id)
    house.show(NOW + 2 * MINUTE, 85.0)

    assert house.reprice(NOW + 2 * MINUTE).revisions == len(SYMBOLS) - 1
    assert house.signals.get(withdrawn.signal_id) == ended
