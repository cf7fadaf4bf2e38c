"""The commands of the local cloud: `python -m infra.local run` and `reset`; `--help` says what they take."""

from __future__ import annotations  # So that an older Python reads as far as the line that refuses it.

import argparse
import signal
import sys


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        found = ".".join(str(part) for part in sys.version_info[:2])
        return _refuse(f"needs Python 3.11, 3.12 or 3.13, this is {found}: run `make install PYTHON3=...` with one")
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Until the run itself listens, there is nothing to stop.
    try:
        from infra.local import run
        from signalbox.domain.market.timeframe import Timeframe
    except ModuleNotFoundError as e:
        return _refuse(f"{e.name} cannot be found here: run `make install`, then `make run` in the project's folder")
    if options.command == "reset":
        return run.reset()
    return run.run(run.RunOptions(options.market, options.once, options.turns, Timeframe(options.timeframe)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Signalbox on this machine")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything and let it work until Ctrl-C")
    run.add_argument("--once", action="store_true", help="live through the turns, judge every station, and stop")
    run.add_argument("--market", default="", help="live, simulated, or a file or folder of candles")
    run.add_argument("--turns", type=_turns, default=48, help="how many turns to live through (default: 48)")
    run.add_argument("--timeframe", default="1h", choices=("5m", "1h"), help="the candle that is a turn (default: 1h)")
    commands.add_parser("reset", help="forget what earlier runs stored")
    return parser


def _turns(text: str) -> int:
    turns = int(text)
    if turns < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, was {turns}")
    return turns


def _refuse(reason: str) -> int:
    sys.stderr.write(f"signalbox: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
