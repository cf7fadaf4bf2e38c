"""Data revisions in the candles table: one item per changed candle, in a series of its own for each symbol."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from signalbox.adapters.storage.candle_table import FrameItem
from signalbox.adapters.storage.dynamo import ConditionFailedError, call
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.timeframe import Timeframe


def add_revision(exchange: str, timeframe: Timeframe, revision: DataRevision) -> bool:
    """Store a revision; return False, changing nothing, if the same change of the candle is stored."""
    stored, came = _text(revision.stored), _text(revision.came)
    name = "r_" + sha256(f"{stored} {came}".encode()).hexdigest()[:12]
    value = {"stored": {"S": stored}, "came": {"S": came}, "seen_at": {"N": str(revision.seen_at)}}
    try:
        call(
            "UpdateItem",
            {
                "TableName": FrameItem.name(),
                "Key": _key(exchange, timeframe, revision.symbol, revision.stored.time),
                "UpdateExpression": f"SET {name} = :revision",
                "ConditionExpression": f"attribute_not_exists({name})",
                "ExpressionAttributeValues": {":revision": {"M": value}},
            },
        )
    except ConditionFailedError:
        return False
    return True


def revisions_of(exchange: str, timeframe: Timeframe, symbol: str) -> list[DataRevision]:
    """Return a symbol's revisions by time of the candle, then in the order they were seen."""
    series = _series(exchange, timeframe, symbol)
    found: list[DataRevision] = []
    for page in FrameItem.query_raw("#frame_series = :series", {":series": {"S": series}}, ConsistentRead=True):
        for item in page:
            time = int(item["time"]["N"])
            values = [item[name]["M"] for name in item if name.startswith("r_")]
            revisions = [
                DataRevision(
                    symbol,
                    stored=_candle(time, value["stored"]["S"]),
                    came=_candle(time, value["came"]["S"]),
                    seen_at=int(value["seen_at"]["N"]),
                )
                for value in values
            ]
            found += sorted(revisions, key=lambda revision: revision.seen_at)
    return found


def add_revisions(exchange: str, timeframe: Timeframe, revisions: Sequence[DataRevision]) -> int:
    """Store revisions; return how many were not stored before."""
    return sum(add_revision(exchange, timeframe, revision) for revision in revisions)


def _series(exchange: str, timeframe: Timeframe, symbol: str) -> str:
    return f"revision#{exchange}#{timeframe}#{symbol}"


def _key(exchange: str, timeframe: Timeframe, symbol: str, time: int) -> dict[str, Any]:
    return {"frame_series": {"S": _series(exchange, timeframe, symbol)}, "time": {"N": str(time)}}


def _text(candle: Candle) -> str:
    """Return open, high, low, close and volume by the shortest digits that read back as the same floats."""
    return " ".join(repr(float(value)) for value in candle[1:])


def _candle(time: int, text: str) -> Candle:
    return Candle(time, *map(float, text.split()))
