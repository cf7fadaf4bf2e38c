"""Child processes, each in a session of its own, so that stopping one stops all that it started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from infra.local import interrupts
from infra.local.errors import RunFailedError

TERM_SECONDS = 10.0
"""How long a process group may take to end by itself before it is killed."""


class Child:
    """A started process and everything it starts.

    Parameters
    ----------
    name : str
        What messages call it.
    command : sequence of str
        Program and arguments.
    environment : mapping
        The whole environment; nothing is inherited.
    log : Path
        File that takes its output.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its session and group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process itself is alive."""
        return self._process.poll() is None

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return once `ready()` holds; raise RunFailedError if the process ends or `seconds` pass before."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise RunFailedError(f"{self.name} ended while starting: {self.last_words()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise RunFailedError(f"{self.name} did not answer within {seconds:.0f} s (log: {self.log})")
            time.sleep(0.02)

    def last_words(self) -> str:
        """Return the last line the process wrote."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else "it wrote nothing"

    def stop(self) -> None:
        """End the process and all of its session; raise RunFailedError if one cannot be ended."""
        with interrupts.held():
            members = session_members(self.pid)
            self._signal_group(signal.SIGTERM)
            _, alive = psutil.wait_procs(members, timeout=TERM_SECONDS)
            alive += session_members(self.pid)
            for process in alive:
                _kill(process)
            psutil.wait_procs(alive, timeout=5.0)
            self._process.wait()
            if left := session_members(self.pid):
                raise RunFailedError(f"{self.name} left processes that cannot be ended: {[p.pid for p in left]}")

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return


def session_members(session: int) -> list[psutil.Process]:
    """Return the living processes of a session."""
    return [process for process in psutil.process_iter() if _session_of(process) == session and _alive(process)]


def _session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
