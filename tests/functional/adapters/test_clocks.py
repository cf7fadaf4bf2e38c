from datetime import UTC, datetime, timedelta

from signalbox.adapters.clocks import MarketClock, WallClock
from signalbox.ports.work import Turn
from tests.builders import NOW
from tests.fakes.work import FixedClock, InMemoryTurns


def turn(job: str, as_of: datetime) -> Turn:
    return Turn(job=job, timeframe="1h", as_of=as_of, planned_at=as_of, shards=1, symbols=1)


def test_the_wall_clock_tells_utc_to_the_millisecond():
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    now = WallClock().now()

    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_the_market_clock_stands_at_the_newest_turn_and_its_grace():
    turns = InMemoryTurns()
    clock = MarketClock(turns, grace=timedelta(seconds=10))
    turns.record(turn("generate_signals", NOW))
    turns.record(turn("reprice_signals", NOW - timedelta(hours=1)))
    assert clock.now() == NOW + timedelta(seconds=10)

    turns.record(turn("reprice_signals", NOW + timedelta(hours=1)))

    assert clock.now() == NOW + timedelta(hours=1, seconds=10)


def test_before_the_first_turn_another_clock_tells_the_time():
    clock = MarketClock(InMemoryTurns(), timedelta(seconds=10), before_first_turn=FixedClock(NOW))

    assert clock.now() == NOW
