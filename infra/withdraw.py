"""Withdraw an open signal: `python -m infra.withdraw --signal ID --reason "exchange halted" [--cloud aws]`.

It ends as INVALIDATED at once, with the reason in its record, and its subscribers are told as of any other ending.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from infra.commands import command_parser, run
from signalbox.adapters.clocks import MarketClock, WallClock
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import Origin, Signal
from signalbox.domain.signals.withdrawal import reason_of
from signalbox.ports.signals import SignalRepository
from signalbox.ports.work import TurnRepository
from signalbox.services.withdraw_signal import withdraw_signal


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    return run(_withdraw, _parser().parse_args(arguments))


def _withdraw(options: argparse.Namespace) -> str:
    from signalbox.adapters.storage.signal_changes import DynamoSignalChanges
    from signalbox.adapters.storage.signals import DynamoSignalRepository
    from signalbox.adapters.storage.turns import DynamoTurnRepository

    signals = DynamoSignalRepository()
    now = moment(signals, DynamoTurnRepository(), options.signal)
    changes = DynamoSignalChanges()
    return _told(withdraw_signal(options.signal, options.reason, signals=signals, changes=changes, now=now))


def moment(signals: SignalRepository, turns: TurnRepository, signal_id: str) -> datetime:
    """Return the moment it is for a signal: by the wall clock if its market is live, else by its market's newest
    turn."""
    signal = signals.get(signal_id)
    if signal is None or signal.origin is Origin.LIVE:
        return WallClock().now()
    return MarketClock(turns, timedelta(0)).now()


def _told(signal: Signal) -> str:
    ended = f" at {to_iso(signal.ending.ended_at)}" if signal.ending else ""
    return f"{signal.signal_type} {signal.symbol} {signal.timeframe} withdrawn{ended}: {reason_of(signal)}"


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("withdraw", "Withdraw an open signal")
    parser.add_argument("--signal", required=True, help="its id")
    parser.add_argument("--reason", required=True, help="why, for its record and its subscribers")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
