"""`make run ONCE=1`: from nothing through the candles that indicators need and a number of turns, then a verdict."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.errors import StationFailedError
from infra.local.figures import Figures, ask_api, count
from infra.local.house import House, HouseOptions, open_house
from infra.local.report import RunReport, failed_station
from infra.local.status import Status
from infra.local.turns import end_of, last_turns, live_through, warm_up
from signalbox.domain.instants import to_iso


def live_once(options: HouseOptions, count_of_turns: int, status: Status, *, report_path: Path) -> int:
    """Live through the last turns of the market, write the report, and return 0.

    Raises
    ------
    StationFailedError
        Naming the station that did not do its part; the report is written all the same.
    """
    report_path.unlink(missing_ok=True)
    live = options.market.kind == "live"
    with open_house(options, status.phase) as house:
        end = end_of(options.market.kind, house.market.status(), datetime.now(UTC))
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
    news = house.stepper.journal.reports["SentimentReport.fetched"] > 0
    failed = failed_station(report, mailed=found.mailed, mails=found.mails, live=live, news=news)
    if failed:
        raise StationFailedError(f"{failed} (logs: {options.logs})")
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
        sentiment=reported["SentimentReport.aggregates"],
        statistics=reported["ReadModelReport.counted"],
        held=sum(house.stepper.backlog.held().values()),
        dead_letters=found.dead_letters,
        api=api,
    )


def _summary(report: RunReport, path: Path) -> str:
    endings = ", ".join(f"{number} {status}" for status, number in report.endings.items()) or "none"
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return (
        f"{report.turns} turns, {report.symbols} symbols, {report.candles} candles, {report.signals} signals, "
        f"{report.revisions} revisions, endings: {endings}; {report.deliveries} deliveries, {report.held} held back, "
        f"{report.sentiment} aggregates of sentiment, {report.statistics} events counted, "
        f"{report.dead_letters} dead letters; report: {shown}"
    )
