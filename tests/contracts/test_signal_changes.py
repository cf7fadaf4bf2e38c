"""A signal and its history change together or not at all."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from signalbox.adapters.storage.price_history import DynamoPriceHistory
from signalbox.adapters.storage.signal_changes import DynamoSignalChanges
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.errors import InvalidValueError, PermanentError, StorageUnavailableError
from signalbox.domain.signals.signal import Status
from signalbox.ports.signals import PriceHistory, SignalChanges, SignalRepository
from tests.builders import NOW, ended, make_signal
from tests.contracts.implementations import either
from tests.fakes.signals import InMemoryPriceHistory, InMemorySignalChanges, InMemorySignals

RECORD = {"kind": "revised", "number": 1}


class House:
    """The port with the two that show what it left."""

    def __init__(self, changes: SignalChanges, signals: SignalRepository, history: PriceHistory) -> None:
        self.changes, self.signals, self.history = changes, signals, history
        self.before = make_signal()
        self.signals.add(self.before)

    @classmethod
    def fake(cls) -> "House":
        signals, history = InMemorySignals(), InMemoryPriceHistory()
        return cls(InMemorySignalChanges(signals, history), signals, history)

    @classmethod
    def real(cls) -> "House":
        return cls(DynamoSignalChanges(), DynamoSignalRepository(), DynamoPriceHistory())

    def apply(self, after: Any, record: Mapping[str, Any] | None = None) -> bool:
        return self.changes.apply(self.before, after, record)

    def left(self) -> tuple[Any, list[dict[str, Any]]]:
        signal_id = self.before.signal_id
        return self.signals.get(signal_id), self.history.of_signal(signal_id)


house = either(House.fake, House.real)


def test_a_change_and_its_record_are_both_stored(house: House):
    revised = replace(house.before, revision=1, revised_price=Decimal("101.5"))

    assert house.apply(revised, RECORD) is True
    assert house.left() == (revised, [RECORD])


def test_a_change_that_came_second_leaves_neither_signal_nor_record(house: House):
    won = replace(ended(house.before), revision=1)
    house.apply(won, {"kind": "ended"})

    assert house.apply(replace(house.before, revision=1, may_act=False), RECORD) is False
    assert house.left() == (won, [{"kind": "ended"}])


def test_a_fill_that_came_first_is_not_undone_by_a_revision_of_the_unfilled_signal(house: House):
    filled = replace(house.before, filled_price=Decimal("100.5"), filled_at=NOW, checked_until=NOW)
    assert house.apply(filled) is True

    assert house.apply(replace(house.before, revision=1, may_act=False), RECORD) is False
    assert house.apply(replace(house.before, mfe_r=1.0)) is False
    assert house.left() == (filled, [])


def test_a_revision_of_a_signal_that_was_checked_further_meanwhile_is_lost(house: House):
    checked = replace(house.before, filled_price=Decimal("100.5"), filled_at=NOW, checked_until=NOW)
    further = replace(checked, checked_until=NOW + timedelta(hours=1), mfe_r=0.5)
    house.apply(checked)
    assert house.changes.apply(checked, further) is True

    assert house.changes.apply(checked, replace(checked, revision=1), RECORD) is False
    assert house.changes.apply(further, replace(further, revision=1), RECORD) is True
    assert house.left() == (replace(further, revision=1), [RECORD])


def test_the_same_change_twice_is_one_change(house: House):
    revised = replace(house.before, revision=1, may_act=False)

    assert [house.apply(revised, RECORD) for _ in range(5)] == [True, False, False, False, False]
    assert house.left() == (revised, [RECORD])


def test_a_record_that_is_there_already_keeps_the_signal_as_it_is(house: House):
    house.history.append(house.before.signal_id, 1, {"kind": "other"})

    assert house.apply(replace(house.before, revision=1), RECORD) is False
    assert house.left() == (house.before, [{"kind": "other"}])


def test_a_change_without_a_record_leaves_the_history_alone(house: House):
    filled = replace(house.before, filled_price=Decimal("100.25"))

    assert house.apply(filled) is True
    assert house.left() == (filled, [])


def test_a_record_that_json_does_not_know_leaves_the_signal_as_it_was(house: House):
    with pytest.raises(InvalidValueError, match="JSON's own types"):
        house.apply(replace(house.before, revision=1), {"price": Decimal(1)})
    assert house.left() == (house.before, [])


def test_what_was_published_and_what_ended_cannot_be_changed(house: House):
    with pytest.raises(InvalidValueError, match="published fields never change"):
        house.apply(replace(house.before, summary="other"), RECORD)
    with pytest.raises(InvalidValueError, match="an ended signal never changes"):
        house.changes.apply(ended(house.before), house.before, RECORD)
    assert house.left() == (house.before, [])


class Cancelling:
    """A client whose transactions are cancelled for a reason."""

    def __init__(self, *codes: str) -> None:
        self._codes = codes

    def transact_write_items(self, **_arguments: Any) -> Any:
        error = {"Error": {"Code": "TransactionCanceledException", "Message": "cancelled"}}
        raise ClientError({**error, "CancellationReasons": [{"Code": code} for code in self._codes]}, "TransactWrite")


@pytest.mark.parametrize("code", ["ConditionalCheckFailed", "TransactionConflict"])
def test_a_transaction_that_lost_to_another_is_no_error(use_client: Any, code: str):
    use_client(Cancelling(code, "None"))
    before = make_signal()

    assert DynamoSignalChanges().apply(before, replace(before, revision=1), RECORD) is False


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingError", StorageUnavailableError),
        ("ProvisionedThroughputExceeded", StorageUnavailableError),
        ("ValidationError", PermanentError),
    ],
)
def test_a_transaction_that_was_throttled_is_worth_another_try_and_one_that_is_wrong_is_not(
    use_client: Any, code: str, kind: type[Exception]
):
    use_client(Cancelling("None", code))
    before = make_signal()

    with pytest.raises(kind, match="TransactWriteItems on several tables failed"):
        DynamoSignalChanges().apply(before, replace(before, status=Status.OPEN, revision=1), RECORD)
