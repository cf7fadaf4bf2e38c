"""Days of 5-minute turns, stepped on a local cloud of their own: everything ends in time, nothing is given up, and no
process grows with the turns it has lived through."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import psutil
import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House, HouseOptions, open_house
from infra.local.market_source import LocalExchange, MarketChoice
from infra.local.processes import session_members
from infra.local.turns import SIMULATED_END, last_turns, warm_up
from signalbox.adapters.storage.price_history import DynamoPriceHistory
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.adapters.storage.universe import DynamoUniverseRepository
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from tests.proof import only_in_prove

CYCLE = timedelta(milliseconds=Timeframe.M5.milliseconds)
WEEK = timedelta(weeks=1) // CYCLE
TURNS = WEEK
SYMBOLS = 24
LOOK_EACH = 12
SERVER = "the local cloud"
EXCHANGE = "the local exchange"
KEPT_PER_TURN = {SERVER: 300_000, EXCHANGE: 50_000}
"""Bytes that what stands in for others may keep of a turn: the tables, mails and logs (ten streams of 4 KB) of the
local cloud lie in memory, and the local exchange keeps the days it has made, up to a number that a week does not
reach."""

pytestmark = [pytest.mark.prove, only_in_prove]


@dataclass
class Watch:
    """What was seen of a run: every signal that was open after some turn, when each was open last, how much memory the
    processes had."""

    house: House
    signals: DynamoSignalRepository = field(default_factory=DynamoSignalRepository)
    universes: DynamoUniverseRepository = field(default_factory=DynamoUniverseRepository)
    seen: set[str] = field(default_factory=set)
    overdue: list[tuple[datetime, str]] = field(default_factory=list)
    memory: list[dict[str, int]] = field(default_factory=list)

    def live(self, turns: list[datetime]) -> None:
        warm_up(self.house, turns[0])
        for number, as_of in enumerate(turns):
            self.house.stepper.step(as_of, as_of - CYCLE)
            universe = self.universes.current(as_of)
            assert universe is not None
            opened = self.signals.open_of(member.symbol for member in universe.members)
            self.seen |= {signal.signal_id for signal in opened}
            idle = self._idle(as_of)
            late = (each for each in opened if each.expires_at + CYCLE <= as_of and each.symbol not in idle)
            self.overdue += [(as_of, signal.signal_id) for signal in late]
            if number % LOOK_EACH == 0:
                self.memory.append(resident(self.house))

    def _idle(self, as_of: datetime) -> set[str]:
        """Return the symbols that do not trade, or did not an hour ago: what runs out on them waits to be told."""
        moment, hour = to_ms(as_of), Timeframe.H1.milliseconds
        stops = (event for event in self.house.market.status()["events"] if event["kind"] in {"halt", "delisting"})
        return {
            event["symbol"]
            for event in stops
            if event["start_ms"] <= moment
            if event["kind"] == "delisting" or moment < event["end_ms"] + hour
        }

    def ended(self) -> list[Signal]:
        found = (self.signals.get(signal_id) for signal_id in sorted(self.seen))
        return [signal for signal in found if signal is not None and signal.status is not Status.OPEN]

    def thirds(self) -> dict[str, tuple[float, float]]:
        """Return each process's bytes in the run's first third and in its last. The first looks, at which caches fill,
        are left out."""
        looks = self.memory[len(self.memory) // 12 :]
        third = len(looks) // 3
        first, last = _medians(looks[:third]), _medians(looks[-third:])
        return {name: (first[name], last[name]) for name in first.keys() & last.keys()}


def resident(house: House) -> dict[str, int]:
    """Return the resident bytes of the local cloud's server, of each function's largest worker, and of the exchange."""
    assert isinstance(house.market, LocalExchange)
    bytes_of = {EXCHANGE: max(process.memory_info().rss for process in session_members(house.market.session))}
    for process in session_members(house.cloud.session):
        try:
            name = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", SERVER)
            bytes_of[name] = max(process.memory_info().rss, bytes_of.get(name, 0))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return bytes_of


def _medians(looks: list[dict[str, int]]) -> dict[str, float]:
    names = set.intersection(*(set(look) for look in looks))
    return {name: median(look[name] for look in looks) for name in sorted(names)}


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    options = HouseOptions(
        MarketChoice("simulated"), tmp_path, timeframe=Timeframe.M5, parameters={"UniverseSize": str(SYMBOLS)}
    )
    with open_house(options) as house, as_function(house.cloud, table_settings(house.deployment)):
        yield Watch(house)


def test_everything_ends_in_time_nothing_is_given_up_and_no_process_grows(watch: Watch) -> None:
    watch.live(last_turns(SIMULATED_END, TURNS, Timeframe.M5))
    ended, memory = watch.ended(), watch.thirds()
    statuses = Counter(str(signal.status) for signal in ended)

    assert watch.overdue == []
    assert watch.house.stepper.backlog.dead_letters() == {}
    assert watch.house.stepper.failures == []
    assert min(statuses[status] for status in ("TARGET_HIT", "STOP_HIT", "EXPIRED")) >= 1, statuses
    history = DynamoPriceHistory()
    for signal in ended:
        records = history.of_signal(signal.signal_id)
        assert [record["kind"] for record in records].count("ended") == 1
        assert [record["number"] for record in records] == list(range(1, len(records) + 1))
    for name, per_turn in KEPT_PER_TURN.items():
        kept_before, kept = memory.pop(name)
        assert kept - kept_before < per_turn * TURNS
    assert {name: (first, last) for name, (first, last) in memory.items() if last > 1.1 * first} == {}
