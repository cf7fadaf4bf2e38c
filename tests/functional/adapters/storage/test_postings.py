"""Postings: written before what has the words, once or ten times, and read no further than needed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.adapters.storage.dynamo import call
from signalbox.adapters.storage.postings import PostingItem, write_postings
from signalbox.adapters.storage.signal_changes import DynamoSignalChanges
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.history.words import words_of
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery
from tests.builders import NOW, ended, make_levels, make_signal


@pytest.fixture
def repository(tables: None) -> DynamoSignalRepository:
    return DynamoSignalRepository(cursor_secret=b"secret")


def postings() -> set[tuple[str, str]]:
    items = call("Scan", {"TableName": PostingItem.name()})["Items"]
    return {(item["word"]["S"], item["created_key"]["S"]) for item in items}


def found(repository: DynamoSignalRepository, *words: str, **overrides: Any) -> list[Signal]:
    values: dict[str, Any] = {
        "since": NOW - timedelta(days=400),
        "until": NOW + timedelta(days=400),
        "visible_at": NOW + timedelta(days=400),
        "limit": 50,
        "where": SignalFilter(words=frozenset(words)),
    }
    return repository.feed(FeedQuery(**values | overrides)).signals


def test_a_signal_that_is_given_ten_times_is_found_once_by_each_word(repository: DynamoSignalRepository):
    signal = make_signal()
    for _ in range(10):
        repository.add(signal)

    assert postings() == {(word, signal.key.sort_key) for word in words_of(signal)}
    for word in words_of(signal):
        assert found(repository, word) == [signal]


def test_words_of_an_ending_are_found_and_those_before_it_still(repository: DynamoSignalRepository):
    signal = make_signal()
    repository.add(signal)
    after = replace(ended(signal), revision=1, notes=("gapped over the stop",))

    assert DynamoSignalChanges().apply(signal, after, {"kind": "ending"})

    assert found(repository, "gapped", "btc") == [after]


def test_words_of_a_change_that_was_lost_find_nothing(repository: DynamoSignalRepository):
    signal = make_signal()
    repository.add(signal)
    repository.update(signal, replace(signal, revision=1))

    assert not repository.update(signal, replace(signal, revision=1, notes=("late",)))

    assert found(repository, "late") == []


def test_words_whose_signal_was_never_stored_find_nothing(repository: DynamoSignalRepository):
    signal = make_signal()
    write_postings(signal)

    assert found(repository, "btc") == []
    assert repository.add(signal)
    assert found(repository, "btc") == [signal]


def test_a_signal_that_cannot_be_stored_leaves_no_words(repository: DynamoSignalRepository):
    with pytest.raises(InvalidValueError, match="38 digits"):
        repository.add(make_signal(levels=make_levels(entry_price="100." + "1" * 40)))

    assert postings() == set()


def test_the_null_strategy_has_no_words(repository: DynamoSignalRepository):
    repository.add(make_signal(strategy="null"))

    assert postings() == set()


def test_words_that_storage_did_not_take_stop_the_signal(repository: DynamoSignalRepository, use_client):
    class Full:
        @staticmethod
        def batch_write_item(**request: Any) -> dict[str, Any]:
            return {"UnprocessedItems": request["RequestItems"]}

    use_client(Full())

    with pytest.raises(StorageUnavailableError, match="left some of 6 postings unwritten"):
        repository.add(make_signal())


def test_a_rare_word_beside_a_frequent_one_is_found_over_all_pages(repository: DynamoSignalRepository):
    given = [make_signal(NOW - timedelta(hours=hour), reasons={"rare" if hour % 45 == 7 else "usual": 1.0})
             for hour in range(120)]  # fmt: skip
    for signal in given:
        repository.add(signal)
    rare = [signal for signal in given if "rare" in signal.reasons]

    assert found(repository, "btc", "rare") == rare
    assert found(repository, "btc", "rare", descending=False) == rare[::-1]
    assert found(repository, "rare", "usual") == []
