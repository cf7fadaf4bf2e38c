"""`make run`: live through the last turns in about a minute, so that every page has something to show, then go on in
real time until Ctrl-C. The data stays for the next run."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.errors import RunFailedError
from infra.local.house import House, HouseOptions, open_house
from infra.local.market_source import MarketChoice
from infra.local.news.parameters import REAL_NEWS
from infra.local.status import Status
from infra.local.turns import end_of, last_turns, live_through, show, warm_up

FIRST_MINUTE = 60.0
"""About how many seconds the past may take."""
_LOOK_SECONDS = 1.0


def stay(choice: MarketChoice, count_of_turns: int, status: Status, *, logs: Path, states: Path) -> int:
    """Run until Ctrl-C, and return 0."""
    options = HouseOptions(choice, logs, states / _folder(choice), tolerant=choice.kind == "live")
    with open_house(options, status.phase) as house:
        _live_through_the_past(house, count_of_turns, status)
        if choice.kind == "recorded":
            status.say("the recording ends here: no new turns come, everything stays up")
        else:
            with status.phase("go on"):
                house.market.follow_wall_clock()
                origin = "live" if choice.kind == "live" else choice.origin
                news = REAL_NEWS if choice.kind == "live" else {}
                house.redeploy(Schedules="ENABLED", Clock="wall", Origin=origin, **news)
        for line in _how_to(house):
            status.say(line)
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


def _folder(choice: MarketChoice) -> str:
    """Return where a market's data lies: candles of two markets must never meet in one table."""
    if not choice.path:
        return choice.kind
    return f"{choice.path.stem}-{hashlib.sha256(str(choice.path).encode()).hexdigest()[:8]}"


def _how_to(house: House) -> tuple[str, ...]:
    return (
        f"API        {house.api_url}",
        f"WebSocket  {house.websocket_url}?token={house.key}",
        f"mailbox    {house.cloud.endpoint}/_ministack/ses/messages",
        f"try        curl -H 'x-api-key: {house.key}' {house.api_url}/signals/api/signals",
        "Ctrl-C stops everything; the next `make run` goes on from here, `make reset` forgets it",
    )


def _until_interrupted(house: House, status: Status) -> int:
    try:
        while house.cloud.running:
            show(house, status)
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        status.say("stopping ...")
        return 0
    raise RunFailedError(f"the local cloud ended by itself: {house.cloud.log} says why")
