"""A whole Signalbox on this machine: the local cloud, the market, the deployed stack, the demo account.

`open_house` starts all of it and ends all of it, whatever happens between. The runner lives in one, and so do the
end-to-end tests.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from infra.local.demo_account import add_demo_account, as_function, table_settings
from infra.local.deploy import Deployment, deploy, read_template
from infra.local.errors import RunFailedError
from infra.local.market_source import MarketChoice, MarketSource, open_market
from infra.local.ministack import CloudOptions, LocalCloud, running_cloud
from infra.local.news.parameters import local_news
from infra.local.packages import package_layer
from infra.local.stepping import Pace, Stepper
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.work import Turn

ROOT = Path(__file__).resolve().parents[2]
GRACE = timedelta(seconds=10)

Phases = Callable[[str], AbstractContextManager[None]]
"""Called with a phase's name, returns what surrounds the phase: the status display, a stopwatch."""


@dataclass(frozen=True, slots=True)
class HouseOptions:
    """How to set up.

    `state` keeps the data between runs (None: nothing is kept), `logs` takes the logs, `parameters` override the
    template's, `function_endpoint` is what functions call instead of the local cloud (the fault proxy), `tolerant`
    is `Pace.tolerant`. `timeframe` is the shortest in use: a turn is one of its candles.
    """

    market: MarketChoice
    logs: Path
    state: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    function_endpoint: str | None = None
    tolerant: bool = False
    timeframe: Timeframe = Timeframe.H1


@dataclass(slots=True)
class House:
    """Everything that runs. `timeframe` is the shortest in use, so one turn is one of its candles."""

    cloud: LocalCloud
    market: MarketSource
    choice: MarketChoice
    timeframe: Timeframe
    parameters: dict[str, str]
    deployment: Deployment
    stepper: Stepper
    key: str

    @property
    def api_url(self) -> str:
        """The REST API's address."""
        return self.deployment.outputs["ApiUrl"]

    @property
    def websocket_url(self) -> str:
        """The WebSocket API's address."""
        return self.deployment.outputs["WebSocketUrl"]

    def latest_turns(self) -> list[Turn]:
        """Return the newest turn of each job and timeframe that was planned."""
        from signalbox.adapters.storage.turns import DynamoTurnRepository

        with as_function(self.cloud, table_settings(self.deployment)):
            return DynamoTurnRepository().latest()

    def watched_symbols(self) -> int:
        """Return how many symbols the newest generation was planned for."""
        return max((turn.symbols for turn in self.latest_turns() if turn.job == "generate_signals"), default=0)

    def last_turn(self) -> datetime | None:
        """Return the newest turn that was generated, or None."""
        generated = (turn.as_of for turn in self.latest_turns() if turn.job == "generate_signals")
        return max(generated, default=None)

    def redeploy(self, **changes: str) -> None:
        """Update the stack with other parameters."""
        self.parameters |= changes
        self.deployment = deploy(self.cloud, read_template(), self.parameters)


@contextmanager
def open_house(options: HouseOptions, phases: Phases = lambda _name: nullcontext()) -> Iterator[House]:
    """Start everything, yield it, and end everything. Raises RunFailedError with one clear line."""
    cloud_options = CloudOptions(options.logs, options.state, options.function_endpoint)
    with ExitStack() as everything:
        with phases("start"):
            market = everything.enter_context(open_market(options.market, ROOT, options.logs))
            cloud = everything.enter_context(running_cloud(cloud_options))
        with phases("deploy"):
            parameters = _parameters(options, market, cloud)
            deployment = deploy(cloud, read_template(), parameters)
        with phases("account"):
            key = add_demo_account(cloud, deployment, options.state and options.state / "demo_key")
        stepper = Stepper(cloud, deployment, market.set_clock, Pace(GRACE, tolerant=options.tolerant))
        yield House(cloud, market, options.market, options.timeframe, parameters, deployment, stepper, key)


def _parameters(options: HouseOptions, market: MarketSource, cloud: LocalCloud) -> dict[str, str]:
    live = options.market.kind == "live"
    return {
        "Cloud": "local",
        "LocalEndpoint": cloud.endpoint,
        "KeepData": "false",
        "Schedules": "DISABLED",
        "Clock": "market",
        "Origin": options.market.origin,
        "CodeVersion": _code_version(),
        "Exchanges": ",".join(options.market.exchanges),
        "ExchangeEndpoint": market.endpoint,
        "ExchangeRateLimitMs": "" if live else "1",
        "Timeframes": timeframes_setting(market, options.timeframe),
        "UniverseSize": "30" if live else "100",
        "GraceSeconds": str(int(GRACE.total_seconds())),
        **local_news(market.endpoint, tuple(market.status().get("news", ()))),
        **options.parameters,
    }


def timeframes_setting(market: MarketSource, shortest: Timeframe) -> str:
    """Return the template's setting for a run whose turns are candles of `shortest`: 1h is always in use."""
    step = int(market.status().get("base_step", 0) or 0)
    if step > shortest.milliseconds:
        raise RunFailedError(
            f"the market must have candles of {shortest} or shorter, has candles of {step // 60_000} minutes"
        )
    return f"{shortest}" if shortest is Timeframe.H1 else f"{shortest},{Timeframe.H1}"


def _code_version() -> str:
    """Return the commit of this working tree, marked where files differ from it; the code's hash without git."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or package_layer(ROOT / "layers/signalbox").key.removesuffix(".zip")[:12]
