from dataclasses import replace
from datetime import timedelta

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.work import QueueDepth, Turn
from signalbox.services.health import still_planned
from signalbox.services.monitoring import Monitoring, look_around
from tests.builders import NOW, make_grid
from tests.fakes.readers import FixedQueueWatch, InMemoryCandleReader

HOUR = timedelta(hours=1)


def turn(hours_ago: float, job: str = "generate_signals") -> Turn:
    moment = NOW - hours_ago * HOUR
    return Turn(job=job, timeframe="1h", as_of=moment, planned_at=moment, shards=1, symbols=1)


def look(
    *turns: Turn, queues: list[QueueDepth] | None = None, members: tuple[Member, ...] = (), reader=None, stepped=False
) -> Monitoring:
    return look_around(
        turns,
        FixedQueueWatch(queues or []).depths(),
        Universe(NOW, members) if members else None,
        [Timeframe.H1],
        candles=reader or InMemoryCandleReader(),
        is_dead_letters=lambda name: name.endswith("dead"),
        now=NOW,
        stepped=stepped,
    )


def test_only_turns_whose_next_is_overdue_are_late():
    found = look(turn(0.5), turn(1.2, "reprice_signals"))
    assert found.health.status == "late"
    assert found.late_turns == {("reprice_signals", "1h")}


def test_prices_that_stopped_are_late_after_minutes_though_the_candles_that_settle_are_an_hour_long():
    assert look(turn(0.05, "reprice_signals")).health.status == "ok"
    assert look(turn(0.2, "reprice_signals")).late_turns == {("reprice_signals", "1h")}
    assert look(turn(0.2)).health.status == "ok"


def test_a_timeframe_that_was_given_up_is_not_late_for_ever():
    given_up = replace(turn(9.0, "reprice_signals"), timeframe="5m")
    new = turn(0.01, "reprice_signals")
    assert still_planned([given_up, new, turn(0.5)], [Timeframe.H1, Timeframe.H4]) == [new, turn(0.5)]


def test_where_time_is_stepped_prices_are_due_once_a_turn():
    assert look(turn(0.9, "reprice_signals"), stepped=True).health.status == "ok"
    assert look(turn(1.2, "reprice_signals"), stepped=True).health.status == "late"


def test_dead_letters_are_every_message_of_the_queues_that_hold_them_and_of_no_other():
    depths = [QueueDepth("work", 5, 1, 0), QueueDepth("work_dead", 2, 1, 0), QueueDepth("mail_dead", 1, 0, 1)]
    assert look(queues=depths).dead_letters == 5


def test_each_exchange_is_seen_by_the_first_of_its_watched_buckets():
    reader = InMemoryCandleReader()
    reader.store.save(make_grid({"A/USDT": [1.0, 2.0]}, start=NOW - 3 * HOUR), bucket=4)
    members = (
        Member("OLD/USDT", "binance", 1, watched=False),
        Member("A/USDT", "binance", 4),
        Member("B/USDT", "binance", 5),
        Member("C/USD", "kraken", 9),
    )
    found = look(members=members, reader=reader)
    assert [(each.exchange, each.closed_at) for each in found.series] == [("binance", NOW - HOUR), ("kraken", None)]


def test_before_the_first_turn_and_universe_there_is_nothing_to_see():
    found = look()
    assert (found.health.status, found.series, found.dead_letters) == ("starting", (), 0)
