"""`make run ONCE=1`: from nothing through the candles that indicators need and a number of turns, then a verdict."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.errors import StationFailedError
from infra.local.figures import Figures, ask_api, count
from infra.local.house import House, HouseOptions, open_house
from infra.local.market_source import MarketChoice
from infra.local.report import RunReport, failed_station
from infra.local.status import Status
from infra.local.turns import end_of, last_turns, live_through, warm_up
from signalbox.domain.instants import to_iso


def live_once(choice: MarketChoice, count_of_turns: int, status: Status, *, logs: Path, report_path: Path) -> int:
    """Live through the last turns of the market, write the report, and return 0.

    Raises
    ------
    StationFailedError
        Naming the station that did not do its part; the report is written all the same.
    """
    report_path.unlink(missing_ok=True)
    live = choice.kind == "live"
    with open_house(HouseOptions(choice, logs, tolerant=live), status.phase) as house:
        end = end_of(choice.kind, house.market.status(), datetime.now(UTC))
        turns = last_turns(end, count_of_turns, house.timeframe)
        with status.phase("warm-up"):
            warm_up(house, turns[0])
        with status.phase("turns"):
            live_through(house, turns, status)
        with status.phase("look"):
            found = count(house)
            api = ask_api(house, found.newest_id)
            report = _report(house, turns, found, api)
        stopping = time.monotonic()
    status.seconds["stop"] = round(time.monotonic() - stopping, 2)
    report = replace(report, seconds=status.seconds)
    report.write(report_path)
    status.say(_summary(report, report_path))
    failed = failed_station(report, mailed=found.mailed, mails=found.mails, live=live)
    if failed:
        raise StationFailedError(f"{failed} (logs: {logs})")
    return 0


def _report(house: House, turns: list[datetime], found: Figures, api: dict[str, int]) -> RunReport:
    reported = house.stepper.journal.reports
    first = turns[0] - timedelta(milliseconds=house.timeframe.milliseconds)
    return RunReport(
        market={"source": house.choice.source, "span": f"{to_iso(first)}/{to_iso(turns[-1])}"},
        symbols=house.watched_symbols(),
        turns=len(turns),
        shards=reported["PlanReport.shards"],
        candles=reported["GenerationReport.candles"],
        signals=found.signals,
        revisions=reported["RepricingReport.revisions"],
        endings=found.endings,
        deliveries=found.deliveries,
        dead_letters=found.dead_letters,
        api=api,
    )


def _summary(report: RunReport, path: Path) -> str:
    endings = ", ".join(f"{number} {status}" for status, number in report.endings.items()) or "none"
    return (
        f"{report.turns} turns, {report.symbols} symbols, {report.candles} candles, {report.signals} signals, "
        f"{report.revisions} revisions, endings: {endings}; {report.deliveries} deliveries, "
        f"{report.dead_letters} dead letters; report: {path}"
    )
