"""Counting where other workers add to the same items, and what a transaction holds."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from signalbox.adapters.storage.statistics import ATTEMPTS, MOST_ITEMS, DynamoStatisticsRepository
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.statistics.contributions import contributions_of
from tests.builders import NOW, make_signal

Use = Callable[[Any], None]


class Meeting:
    """A client whose transactions end as told, and then succeed."""

    def __init__(self, *endings: list[str]) -> None:
        self.endings = list(endings)
        self.transactions: list[list[dict[str, Any]]] = []

    def get_item(self, **_arguments: Any) -> dict[str, Any]:
        return {}

    def update_item(self, **_arguments: Any) -> dict[str, Any]:
        return {"Attributes": {}}

    def transact_write_items(self, **arguments: Any) -> dict[str, Any]:
        self.transactions.append(arguments["TransactItems"])
        if self.endings:
            reasons = [{"Code": code} for code in self.endings.pop(0)]
            raise ClientError(
                {"Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                 "CancellationReasons": reasons},  # type: ignore[typeddict-unknown-key] # of this error alone
                "TransactWriteItems",
            )  # fmt: skip
        return {}


def marks_of(transaction: list[dict[str, Any]]) -> list[str]:
    return [each["Put"]["Item"]["partition"]["S"] for each in transaction if "Put" in each]


def test_a_meeting_with_another_writer_is_tried_again_after_a_pause(use_client: Use) -> None:
    pauses: list[float] = []
    client = Meeting(["None", "TransactionConflict"], ["None", "TransactionConflict"])
    use_client(client)
    assert DynamoStatisticsRepository(pauses.append).count(contributions_of(make_signal()), NOW) == 1
    assert len(client.transactions) == 3
    assert len(pauses) == 2
    assert all(0 < pause <= 0.1 for pause in pauses)


def test_events_that_were_counted_are_left_out_of_the_next_attempt(use_client: Use) -> None:
    client = Meeting(["None", "ConditionalCheckFailed", "None"])
    use_client(client)
    signals = [make_signal(symbol=f"{name}/USDT") for name in ("ONE", "TWO", "THREE")]
    contributions = [each for signal in signals for each in contributions_of(signal)]
    assert DynamoStatisticsRepository().count(contributions, NOW) == 2
    first, second = map(marks_of, client.transactions)
    assert second == [first[0], first[2]]


def test_writers_that_stay_in_the_way_leave_the_events_for_later(use_client: Use) -> None:
    use_client(Meeting(*[["TransactionConflict"]] * ATTEMPTS))
    with pytest.raises(StorageUnavailableError, match="nothing of them counted"):
        DynamoStatisticsRepository(lambda _seconds: None).count(contributions_of(make_signal()), NOW)


def test_no_transaction_holds_more_than_dynamodb_takes_or_one_item_twice(use_client: Use) -> None:
    client = Meeting()
    use_client(client)
    signals = [make_signal(symbol=f"S{at}/USDT", strategy=f"s{at % 7}", quality_score=at % 100) for at in range(60)]
    contributions = [each for signal in signals for each in contributions_of(signal)]
    assert DynamoStatisticsRepository().count(contributions, NOW) == 60
    assert sum(len(marks_of(each)) for each in client.transactions) == 60
    for transaction in client.transactions:
        assert len(transaction) <= MOST_ITEMS
        keys = [str(each["Update"]["Key"]) for each in transaction if "Update" in each]
        assert len(keys) == len(set(keys))
