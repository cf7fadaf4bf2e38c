"""`make run`: live through the last turns in about a minute, so that every page has something to show, then go on in
real time until Ctrl-C. The data stays for the next run."""

import hashlib
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.errors import RunFailedError
from infra.local.house import House, HouseOptions, open_house
from infra.local.market_source import MarketChoice
from infra.local.news.parameters import REAL_NEWS
from infra.local.status import Status
from infra.local.turns import end_of, last_turns, live_through, show, warm_up
from signalbox.domain.market.timeframe import Timeframe

FIRST_MINUTE = 60.0
"""About how many seconds the past may take."""
_LOOK_SECONDS = 1.0


def stay(options: HouseOptions, count_of_turns: int, status: Status, *, states: Path) -> int:
    """Run until Ctrl-C, and return 0."""
    choice = options.market
    with open_house(replace(options, state=states / state_folder(choice, options.timeframe)), status.phase) as house:
        _live_through_the_past(house, count_of_turns, status)
        if choice.kind == "recorded":
            status.say("the recording ends here: no new turns come, everything stays up")
        else:
            with status.phase("go on"):
                house.market.follow_wall_clock()
                origin = "live" if choice.kind == "live" else choice.origin
                news = REAL_NEWS if choice.kind == "live" else {}
                house.redeploy(Schedules="ENABLED", Clock="wall", Origin=origin, **news)
        return _until_interrupted(house, status)


def _live_through_the_past(house: House, count_of_turns: int, status: Status) -> None:
    recorded = house.choice.kind == "recorded"
    status_of_market = house.market.status()
    end = end_of("recorded" if recorded else "live", status_of_market, datetime.now(UTC))
    lived = house.last_turn()
    turns = [turn for turn in last_turns(end, count_of_turns, house.timeframe) if lived is None or turn > lived]
    if not turns:
        return
    if lived is None or turns[0] - lived > timedelta(milliseconds=house.timeframe.milliseconds):
        with status.phase("warm-up"):
            warm_up(house, turns[0])
    with status.phase("turns"):
        live_through(house, turns, status, seconds=FIRST_MINUTE)


def state_folder(choice: MarketChoice, timeframe: Timeframe) -> str:
    """Return where a market's data lies: candles of two markets must never meet in one table, and a signal is settled
    by candles of one timeframe all its life."""
    turns = "" if timeframe is Timeframe.H1 else f"-{timeframe}"
    if not choice.path:
        return f"{choice.kind}{turns}"
    return f"{choice.path.stem}-{hashlib.sha256(str(choice.path).encode()).hexdigest()[:8]}{turns}"


def _how_to(house: House) -> tuple[str, ...]:
    example = ".venv/bin/python docs/examples/follow.py"
    return (
        f"API        {house.api_url}",
        f"WebSocket  {house.websocket_url}",
        f"mailbox    {house.cloud.endpoint}/_ministack/ses/messages",
        f"try        curl -H 'x-api-key: {house.key}' {house.api_url}/signals/api/signals",
        f"follow     {example} {house.api_url} {house.websocket_url} {house.key} signals",
        "Ctrl-C stops everything; the next `make run` goes on from here, `make reset` forgets it",
    )


def _until_interrupted(house: House, status: Status) -> int:
    try:
        for line in _how_to(house):
            status.say(line)
        while house.cloud.running:
            show(house, status)
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        status.say("stopping ...")
        return 0
    raise RunFailedError(f"the local cloud ended by itself: {house.cloud.log} says why")
