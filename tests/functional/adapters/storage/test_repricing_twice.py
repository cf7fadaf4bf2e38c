"""Re-pricing on real tables: whatever is delivered how often, in whatever order, by however many workers."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.adapters.storage.dynamo import call
from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore
from signalbox.adapters.storage.price_history import DynamoPriceHistory
from signalbox.adapters.storage.publication import PUBLISHED
from signalbox.adapters.storage.signal_changes import DynamoSignalChanges
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.signals.signal import Signal, Status
from tests.builders import NOW
from tests.unit.services.repricing_house import MINUTE, SYMBOLS, House, buy

HOUR = timedelta(hours=1)
LEVELS = ("entry_price", "target_price", "stop_loss")


@pytest.fixture
def house(one_call_at_a_time: None) -> House:
    """Four open signals in tables."""
    found = House(signals=DynamoSignalRepository(), changes=DynamoSignalChanges(), frames=DynamoPriceFrameStore())
    for symbol in SYMBOLS:
        found.signals.add(buy(symbol))
    return found


def stored(signal: Signal) -> dict[str, Any]:
    key = {"symbol": {"S": signal.symbol}, "created_key": {"S": signal.key.sort_key}}
    return call("GetItem", {"TableName": os.environ["SIGNALS_TABLE"], "Key": key})["Item"]


def published(signal: Signal) -> dict[str, Any]:
    item = stored(signal)
    return {name: item[name] for name in (*PUBLISHED, *LEVELS, "created_key") if name in item}


def kinds(signal: Signal) -> list[tuple[str, int]]:
    return [(record["kind"], record["number"]) for record in DynamoPriceHistory().of_signal(signal.signal_id)]


def test_the_same_quotes_five_times_by_two_workers_at_once_leave_one_record_of_each_change(house: House):
    opened = house.signals.open_of(SYMBOLS)
    before = [published(signal) for signal in opened]
    minutes = [(NOW + minute * MINUTE, price) for minute, price in ((1, 100.0), (2, 104.0), (3, 85.0))]
    with ThreadPoolExecutor(2) as workers:
        for as_of, price in minutes:
            house.show(as_of, price)
            list(workers.map(lambda _, as_of=as_of: house.reprice(as_of), range(5)))
        # Late deliveries of all of it, newest first.
        for as_of, price in reversed(minutes):
            house.show(as_of, price)
            list(workers.map(lambda _, as_of=as_of: house.reprice(as_of), range(2)))

    for signal in opened:
        assert kinds(signal) == [("revised", 1), ("revised", 2)]
    assert [published(signal) for signal in opened] == before
    assert {signal.revised_price for signal in house.signals.open_of(SYMBOLS)} == {85}


def test_two_workers_end_a_signal_once(house: House):
    opened = house.signals.open_of(SYMBOLS)
    before = [published(signal) for signal in opened]
    rows = [(100.0, 101.0, 99.0, 100.0), (100.0, 101.0, 79.0, 85.0), (85.0, 86.0, 84.0, 85.0)]
    candles = [Candle(to_ms(NOW + at * HOUR), *row, 1.0) for at, row in enumerate(rows)]
    house.show_candles(dict.fromkeys(SYMBOLS, candles))
    as_of = NOW + 2 * HOUR
    house.show(as_of, 85.0)
    with ThreadPoolExecutor(2) as workers:
        reports = list(workers.map(lambda _: house.reprice(as_of), range(5)))

    assert sum(report.endings for report in reports) == len(SYMBOLS)
    for signal in opened:
        assert [kind for kind, _ in kinds(signal)] == ["ended"]
        assert house.signals.get(signal.signal_id).status is Status.STOP_HIT
    assert [published(signal) for signal in opened] == before


def test_a_worker_that_read_a_signal_before_it_ended_cannot_revise_it(house: House):
    signal = house.signals.open_of(["BTC/USDT"])[0]
    house.signals.update(signal, replace(signal, revision=1, may_act=False))

    assert house.changes.apply(signal, replace(signal, revision=1), {"kind": "revised"}) is False
    assert kinds(signal) == []
