"""`/signals/api/candles`: the closed candles that signals are made from."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.answers import CandlesAnswer
from signalbox.api.candle_inputs import CandlesQuery
from signalbox.api.endpoint import Endpoints
from signalbox.api.problems import not_found
from signalbox.domain.instants import from_ms, to_iso
from signalbox.domain.market.candle import Candle
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Member
from signalbox.settings import settings

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add(
    "GET",
    "/signals/api/candles",
    CandlesAnswer,
    query=CandlesQuery,
    refusals=(HTTPStatus.NOT_FOUND,),
    is_checked=True,
)
def candles(query: CandlesQuery) -> dict[str, Any]:
    """Return the closed candles of a symbol. The newest, those from `from` on or before `to` (`limit` of them), or all
    between both; `missing` are the spans for which none is stored. Every tier sees the same."""
    now = bootstrap.clock().now()
    member = _member(query.symbol, now)
    timeframe = query.timeframe
    if timeframe not in settings().timeframes:
        raise not_found(f"candles of {timeframe}: here are {', '.join(settings().timeframes)}")
    first, last = query.span(now)
    found = bootstrap.candle_reader().read(
        member.exchange, timeframe, member.bucket, member.symbol, first, last
    )  # fmt: skip
    return {
        "symbol": member.symbol,
        "exchange": member.exchange,
        "timeframe": timeframe,
        "span": _span(first, last, timeframe),
        "candles": [_represent(candle) for candle in found],
        "missing": _missing(found, first, last, timeframe),
    }


def _member(symbol: str, now: datetime) -> Member:
    universe = bootstrap.universe_repository().current(now)
    members = universe.members if universe else ()
    for member in members:
        if member.symbol == symbol:
            return member
    raise not_found(f"symbol {symbol!r} is watched here")


def _represent(candle: Candle) -> dict[str, str]:
    values = {name: f"{Decimal(repr(value)):f}" for name, value in candle._asdict().items() if name != "time"}
    return {"time": to_iso(from_ms(candle.time)), **values}


def _missing(found: list[Candle], first: int, last: int, timeframe: Timeframe) -> list[dict[str, str]]:
    """Return the spans between the candles of [first, last] in which there are none."""
    step = timeframe.milliseconds
    edges = [first - step, *(candle.time for candle in found), last + step]
    return [_span(before + step, after - step, timeframe) for before, after in pairwise(edges) if after - before > step]


def _span(first: int, last: int, timeframe: Timeframe) -> dict[str, str]:
    return {"from": to_iso(from_ms(first)), "to": to_iso(from_ms(last + timeframe.milliseconds))}
