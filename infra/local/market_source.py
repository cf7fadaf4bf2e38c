"""Where the market comes from: real exchanges, or the local exchange with a simulated or a recorded market."""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from infra.local import interrupts
from infra.local.errors import RunFailedError
from infra.local.ministack import free_port
from infra.local.news.desk import recorded_folder
from infra.local.processes import Child
from signalbox.domain.instants import to_ms

PROBE_SECONDS = 3.0
START_SECONDS = 60.0
SEED = 7
_PUBLIC = {
    "binance": "https://api.binance.com/api/v3/time",
    "bybit": "https://api.bybit.com/v5/market/time",
    "kraken": "https://api.kraken.com/0/public/Time",
}
EXCHANGES = tuple(_PUBLIC)


@dataclass(frozen=True, slots=True)
class MarketChoice:
    """The market of a run: `live`, `simulated` or `recorded` (then `path` says from where).

    `exchanges` are those in use, in order of preference.
    """

    kind: Literal["live", "simulated", "recorded"]
    exchanges: tuple[str, ...] = EXCHANGES
    path: Path | None = None

    @property
    def source(self) -> str:
        """What pages and records call this market."""
        return self.path.name if self.path else self.kind

    @property
    def origin(self) -> str:
        """The origin of signals made from it in steps."""
        return "simulated" if self.kind == "simulated" else "replay"


def choose_market(wanted: str, probe: Callable[[], tuple[str, ...]]) -> MarketChoice:
    """Return the market that `wanted` asks for; empty means live where an exchange answers, else simulated.

    Parameters
    ----------
    wanted : str
        `live`, `simulated`, or a file or folder of candles.
    probe : callable
        Returns the exchanges that answer.

    Raises
    ------
    RunFailedError
        If no exchange answers under `live`, or there is no such file.
    """
    if wanted == "simulated":
        return MarketChoice("simulated")
    if wanted in ("", "live"):
        answering = probe()
        if answering:
            return MarketChoice("live", answering)
        if wanted == "live":
            raise RunFailedError(
                f"no exchange answered within {PROBE_SECONDS:.0f} s (asked {', '.join(EXCHANGES)}): check the network, "
                f"or run with MARKET=simulated"
            )
        return MarketChoice("simulated")
    path = Path(wanted).expanduser().resolve()
    if not path.exists():
        raise RunFailedError(f"MARKET must be live, simulated, or a file or folder of candles; {path} does not exist")
    return MarketChoice("recorded", path=path)


def answering_exchanges() -> tuple[str, ...]:
    """Return the real exchanges that answer their public time endpoint now, in order of preference."""
    with ThreadPoolExecutor(len(_PUBLIC)) as pool:
        answers = list(pool.map(_answers, _PUBLIC.values()))
    return tuple(exchange for exchange, answered in zip(_PUBLIC, answers, strict=True) if answered)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PROBE_SECONDS) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


class MarketSource(Protocol):
    """A market that a run can step through."""

    @property
    def endpoint(self) -> str:
        """What replaces the exchanges' own addresses; empty for their own."""
        ...

    def set_clock(self, moment: datetime) -> None:
        """Let it be `moment` on every exchange."""
        ...

    def follow_wall_clock(self) -> None:
        """Let time go on by itself."""
        ...

    def status(self) -> Mapping[str, Any]:
        """Return what the market says of itself: `span` (epoch ms), `base_step` (ms), `symbols`."""
        ...


class RealExchanges:
    """Real exchanges keep their own time."""

    endpoint = ""

    def set_clock(self, moment: datetime) -> None:
        """Do nothing: closed candles of the past are the same at any moment."""

    def follow_wall_clock(self) -> None:
        """Do nothing."""

    def status(self) -> Mapping[str, Any]:
        """Return nothing: they know no end."""
        return {}


class LocalExchange:
    """The local exchange: a process that speaks the exchanges' own REST dialects on one loopback port."""

    def __init__(self, child: Child, port: int) -> None:
        self._child = child
        self.endpoint = f"http://127.0.0.1:{port}"

    @property
    def session(self) -> int:
        """Id of the session that holds the process."""
        return self._child.pid

    def wait_ready(self) -> None:
        """Return once it listens."""
        log = self._child.log
        self._child.wait_ready(lambda: "listening http" in log.read_text(errors="replace"), START_SECONDS)

    def set_clock(self, moment: datetime) -> None:
        """Let it be `moment` on every exchange."""
        self._control("clock", {"now": to_ms(moment)})

    def follow_wall_clock(self) -> None:
        """Let time go on by itself."""
        self._control("clock", {"wall": True})

    def status(self) -> Mapping[str, Any]:
        """Return what the market says of itself."""
        return self._control("status", None)

    def stop(self) -> None:
        """End the process."""
        self._child.stop()

    def _control(self, name: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            f"{self.endpoint}/_control/{name}", data=data, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
                answer: Mapping[str, Any] = json.loads(reply.read() or b"{}")
        except (urllib.error.URLError, OSError) as e:
            raise RunFailedError(f"the local exchange does not take {name}: {e} (log: {self._child.log})") from e
        return answer


@contextmanager
def open_market(choice: MarketChoice, root: Path, logs: Path) -> Iterator[MarketSource]:
    """Yield the market of a run, and end its process afterwards."""
    if choice.kind == "live":
        yield RealExchanges()
        return
    exchange: LocalExchange | None = None
    try:
        with interrupts.held():
            exchange = _spawn(choice, root, logs)
        exchange.wait_ready()
        yield exchange
    finally:
        if exchange:
            exchange.stop()


def _spawn(choice: MarketChoice, root: Path, logs: Path) -> LocalExchange:
    port = free_port()
    market = str(choice.path) if choice.path else "simulated"
    clock = to_ms(datetime.now(UTC))
    arguments = ["--port", str(port), "--market", market, "--seed", str(SEED), "--clock", str(clock)]
    if choice.kind == "recorded":
        arguments += ["--news", recorded_folder()]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join((str(root / "layers/signalbox/python"), str(root))),
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
    }
    command = [sys.executable, "-m", "infra.local.exchange", *arguments]
    child = Child("the local exchange", command, environment, logs / "exchange.log")
    return LocalExchange(child, port)
