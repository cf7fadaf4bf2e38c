"""Make the statistics anew from the stored signals: `python -m infra.rebuild [--cloud aws]`.

The functions may go on meanwhile, and readers see the old statistics until the new ones are whole.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from infra.commands import command_parser, run
from signalbox.ports.caching import VersionRepository
from signalbox.ports.signals import SignalRepository
from signalbox.ports.statistics import StatisticsRepository
from signalbox.services.update_read_models import RebuildReport, rebuild_statistics

OLDEST = datetime(2015, 1, 1, tzinfo=UTC)
"""No candle that a signal could come from is older."""
SETTLING_SECONDS = 10.0
"""By then the feed's index holds every signal, and every ending, that was counted before the rebuild began."""


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    return run(_rebuild, command_parser("rebuild", "Make the statistics anew").parse_args(arguments))


def _rebuild(_options: argparse.Namespace) -> str:
    from signalbox.adapters.storage.cache import DynamoVersions
    from signalbox.adapters.storage.signals import DynamoSignalRepository
    from signalbox.adapters.storage.statistics import DynamoStatisticsRepository

    report = rebuild(DynamoSignalRepository(), DynamoStatisticsRepository(), DynamoVersions(), now=datetime.now(UTC))
    return f"statistics made anew: {report.signals:,} signals, {report.counted:,} events"


def rebuild(
    signals: SignalRepository,
    statistics: StatisticsRepository,
    versions: VersionRepository,
    *,
    now: datetime,
    pause: Callable[[float], None] = time.sleep,
) -> RebuildReport:
    """Make the statistics anew and serve them."""
    statistics.begin_rebuild()
    pause(SETTLING_SECONDS)
    return rebuild_statistics(signals=signals, statistics=statistics, versions=versions, since=OLDEST, now=now)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
