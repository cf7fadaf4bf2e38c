"""`make run` and `make reset`: one run at a time, every problem one line, nothing left running."""

import fcntl
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import interrupts
from infra.local.errors import RunFailedError
from infra.local.house import ROOT, HouseOptions
from infra.local.market_source import answering_exchanges, choose_market
from infra.local.once import live_once
from infra.local.status import Status
from infra.local.stay import stay
from signalbox.domain.errors import SignalboxError
from signalbox.domain.market.timeframe import Timeframe

STATE = ROOT / "var" / "local"
LOGS = ROOT / "build" / "logs"
REPORT = ROOT / "build" / "run.json"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line asks for. `market` is empty, `live`, `simulated`, or a path; `timeframe` is a turn's."""

    market: str = ""
    once: bool = False
    turns: int = 48
    timeframe: Timeframe = Timeframe.H1


def run(options: RunOptions) -> int:
    """Run until done, or until Ctrl-C; return the exit code. Whatever happens, nothing is left running."""
    interrupts.listen()
    _reach_this_machine_directly()
    try:
        with _only_run(), Status() as status:
            market = choose_market(options.market, answering_exchanges)
            status.say(f"market: {market.source}, exchanges {', '.join(market.exchanges)}")
            house = HouseOptions(market, LOGS, tolerant=market.kind == "live", timeframe=options.timeframe)
            if options.once:
                return live_once(house, options.turns, status, report_path=REPORT)
            return stay(house, options.turns, status, states=STATE)
    except (SignalboxError, ClientError, BotoCoreError, OSError) as e:
        return _fail(_explained(e))
    except KeyboardInterrupt:
        sys.stderr.write("signalbox: stopped\n")
        return 130
    except Exception as e:  # noqa: BLE001 (a person at the command line gets one line; the rest is in the log)
        return _fail(f"a mistake in the runner, {type(e).__name__}: {e} (details: {_write_details()})")


def reset() -> int:
    """Forget what earlier runs stored; return the exit code."""
    try:
        with _only_run():
            shutil.rmtree(STATE, ignore_errors=True)
    except RunFailedError as e:
        return _fail(str(e))
    sys.stdout.write("forgotten: the next run starts from nothing\n")
    return 0


def _reach_this_machine_directly() -> None:
    """Let no proxy that the environment names stand between the run and what it starts."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))


def _fail(reason: str) -> int:
    interrupts.ignore()
    sys.stderr.write(f"signalbox: {' '.join(reason.split())}\n")
    return 1


def _explained(error: Exception) -> str:
    if isinstance(error, SignalboxError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error} (logs: {LOGS})"
    return f"the local cloud refused a call of the runner: {error} (log: {LOGS / 'ministack.log'})"


def _write_details() -> Path:
    path: Path = LOGS / "runner.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(traceback.format_exc())
    return path


@contextmanager
def _only_run() -> Iterator[None]:
    """Hold the lock that one run at a time may have: two would share reports, logs and data."""
    path: Path = ROOT / "var" / "run.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise RunFailedError("another run is at work in this folder: stop it with Ctrl-C first") from e
        yield
