"""The cost model behind the history's figures: it answers as DynamoDB does, and its figures hold."""

from dataclasses import replace

import pytest

from infra.bench.dynamo_units import READ_UNIT, item_size
from infra.bench.history import NAMED, OTHERS, House, question
from signalbox.adapters.storage.signal_items import item_of
from signalbox.adapters.storage.signals import DynamoSignalRepository


@pytest.fixture
def house() -> House:
    return House(300, 30)


def test_the_model_answers_every_question_as_the_emulator_does(tables: None):
    kept = 120
    repository, small = DynamoSignalRepository(b"cursors of a measurement"), House(kept, 30)
    for row in range(kept):
        repository.add(small.signals.signal(row))

    for pattern, asked in {**NAMED, **OTHERS}.items():
        query = replace(question(asked, small.signals.begin), limit=20)
        for _ in range(2):
            modelled, _reading = small.page(query)
            stored = repository.feed(query)
            assert modelled == stored, pattern
            if stored.cursor is None:
                break
            query = replace(query, cursor=stored.cursor)


def test_a_page_is_charged_by_the_bytes_it_read(house: House):
    (reading,) = house.readings({}, pages=1)
    rows = [row for row in range(300) if house.signals.signal(row).strategy != "null"][-51:]
    size = sum(item_size(item_of(house.signals.signal(row)).serialize()) for row in rows)

    assert reading.cost.queries == 1
    assert reading.cost.units == -(-size // READ_UNIT) / 2
    assert reading.returned == 50


@pytest.mark.parametrize("pattern", NAMED)
def test_a_named_pattern_is_one_query_of_little_more_than_it_shows(pattern: str):
    for reading in House(1_000, 30).readings(NAMED[pattern]):
        assert reading.cost.queries == 1
        assert reading.cost.units <= 1.5 * reading.floor
