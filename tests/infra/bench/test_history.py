"""The cost model behind the history's figures: it answers as DynamoDB does, and its figures hold."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.bench.dynamo_units import READ_UNIT, item_size
from infra.bench.history import NAMED, OTHERS, House, question
from signalbox.adapters.storage.signal_items import item_of
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.history.filters import Sort


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


def is_merged(asked: Mapping[str, Any]) -> bool:
    """Whether a question ranks all symbols, and so reads a partition for each month."""
    return "sort" in asked and "where" not in asked


@pytest.mark.parametrize("pattern", NAMED)
def test_a_named_pattern_reads_little_more_than_it_shows(pattern: str):
    for days in (30, 90):
        for reading in House(1_000, days).readings(NAMED[pattern]):
            assert reading.cost.queries == 1 or is_merged(NAMED[pattern])
            assert reading.cost.units <= 1.5 * reading.floor


@pytest.mark.parametrize("day", [1, 2, 9, 29])
@pytest.mark.parametrize("sort", [Sort.QUALITY, Sort.CONFIDENCE])
def test_a_ranking_reads_little_more_than_it_shows_on_any_day_of_a_month(sort: Sort, day: int):
    house = House(1_000, 90)
    house.signals.begin -= (30 - day) * timedelta(days=1)  # the record ends on that day

    for reading in house.readings({"sort": sort}):
        assert reading.cost.units <= 1.5 * reading.floor
        assert reading.cost.queries <= 12
