"""What a run came to: build/run.json, and which station did not do its part."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The counts of one run, as build/run.json holds them.

    `market` names the source and the span of its candles that was lived through; `endings` counts by status, `api`
    gives the HTTP status by route, `seconds` the time by phase. `sentiment` are the aggregates recorded,
    `statistics` the events counted, `held` the messages whose senders still held them back when the run ended.
    """

    market: Mapping[str, str]
    symbols: int
    turns: int
    shards: int
    candles: int
    signals: int
    revisions: int
    endings: Mapping[str, int]
    deliveries: int
    sentiment: int
    statistics: int
    held: int
    dead_letters: int
    api: Mapping[str, int]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def failed_station(report: RunReport, *, mailed: int, mails: int, live: bool, news: bool = True) -> str | None:
    """Return one line saying which station did not do its part, or None.

    Parameters
    ----------
    mailed, mails : int
        Deliveries by e-mail that were accepted, and mails that arrived in the demo account's mailbox.
    live : bool
        Whether the market is real: then it may give no signal, and nothing that follows from one.
    news : bool
        Whether there were news to read.
    """
    refused = {route: status for route, status in report.api.items() if status != 200}
    quiet = live and report.signals == 0
    checks = (
        (report.shards > 0, "plan_shards: no shard was planned"),
        (report.sentiment > 0 or not news, "score_sentiment: there were news, but no mood was recorded"),
        (report.candles > 0, "generate_signals: no candle was fetched; the log of the run says why"),
        (report.signals > 0 or live, "generate_signals: candles came, but no strategy gave a signal"),
        (sum(report.endings.values()) > 0 or live, "reprice_signals: no signal ended"),
        (report.statistics > 0 or quiet, "update_read_models: nothing was counted"),
        (report.deliveries > 0 or quiet, "deliver_signals: nothing was delivered"),
        (
            mailed == mails,
            f"deliver_signals: {mailed} deliveries by e-mail accepted, but {mails} mails came",
        ),
        (bool(report.api), "api: no route was asked"),
        (not refused, f"api: {', '.join(f'{route} answered {status}' for route, status in refused.items())}"),
        (report.dead_letters == 0, f"dead letters: {report.dead_letters} messages were given up"),
    )
    return next((line for held, line in checks if not held), None)
