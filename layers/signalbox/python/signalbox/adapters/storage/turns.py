"""The newest turns in DynamoDB: one item per job and timeframe, read all at once by key."""

from typing import get_args

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table, call
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.shards import Job
from signalbox.ports.work import Turn

JOBS: tuple[str, ...] = get_args(Job)
"""The jobs there are: with the timeframes, every key of the table."""


class TurnItem(Table):
    """The newest turn of one job and timeframe."""

    class Meta:
        table_name = ""

    setting = "TURNS_TABLE"
    job = UnicodeAttribute(hash_key=True)  # job#timeframe
    as_of = MomentAttribute()
    planned_at = MomentAttribute()
    shards = WholeAttribute()
    symbols = WholeAttribute()


class DynamoTurnRepository:
    """Implements `ports.TurnRepository`."""

    def record(self, turn: Turn) -> None:
        """Store a turn unless a newer one of its job and timeframe is stored.

        Raises InvalidValueError for a job or timeframe that `latest` would not look for.
        """
        if turn.job not in JOBS:
            raise InvalidValueError(f"job must be one of {', '.join(JOBS)}, was {turn.job!r}")
        item = TurnItem(
            _key(turn.job, Timeframe.of(turn.timeframe)),
            as_of=turn.as_of,
            planned_at=turn.planned_at,
            shards=turn.shards,
            symbols=turn.symbols,
        )
        try:
            item.save(TurnItem.job.does_not_exist() | (TurnItem.as_of <= turn.as_of))
        except ConditionFailedError:
            return

    def latest(self) -> list[Turn]:
        """Return the newest turn of each job and timeframe that has one, by job and then timeframe."""
        table = TurnItem.name()
        keys = [{"job": {"S": _key(job, timeframe)}} for job in JOBS for timeframe in Timeframe]
        reply = call("BatchGetItem", {"RequestItems": {table: {"Keys": keys, "ConsistentRead": True}}})
        if reply.get("UnprocessedKeys"):
            raise StorageUnavailableError(f"BatchGetItem on {table} left some of {len(keys)} keys unread")
        found = [_turn_of(raw) for raw in reply["Responses"][table]]
        return sorted(found, key=lambda turn: (turn.job, Timeframe.of(turn.timeframe).milliseconds))


def _key(job: str, timeframe: Timeframe) -> str:
    return f"{job}#{timeframe}"


def _turn_of(raw: RawItem) -> Turn:
    values = TurnItem.values(raw)
    job, timeframe = values.pop("job").split("#")
    return Turn(job=job, timeframe=timeframe, **values)
