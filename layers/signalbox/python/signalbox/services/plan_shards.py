"""Plan one turn: which worker does which symbols."""

from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.planning import plan
from signalbox.domain.universe.shards import Job
from signalbox.domain.universe.universe import Universe
from signalbox.ports.work import Queue, Turn, TurnRepository


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What was planned."""

    shards: int
    symbols: int


def plan_turn(
    universe: Universe,
    *,
    job: Job,
    timeframe: Timeframe,
    scheduled_at: datetime,
    now: datetime,
    shard_symbols: int,
    delay_seconds: int,
    turns: TurnRepository,
    queue: Queue,
) -> PlanReport:
    """Send one message per shard for the turn that `scheduled_at` falls into, and record the turn.

    Generation is due at a candle's close and covers the watched symbols; re-pricing covers every member, as one that
    left may have open signals. Planned twice, a turn is worked on twice, which leaves what once leaves.
    """
    cycle = timeframe if job == "generate_signals" else Timeframe.M1
    as_of = from_ms(cycle.floor(to_ms(scheduled_at)))
    members = universe.watched if job == "generate_signals" else universe.members
    shards = plan(members, job=job, timeframe=timeframe, as_of=as_of, shard_symbols=shard_symbols)
    queue.send([shard.to_message() for shard in shards], delay_seconds)
    symbols = sum(len(shard.symbols) for shard in shards)
    turns.record(
        Turn(job=job, timeframe=str(timeframe), as_of=as_of, planned_at=now, shards=len(shards), symbols=symbols)
    )
    return PlanReport(shards=len(shards), symbols=symbols)
