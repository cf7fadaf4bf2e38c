"""The local AWS: one MiniStack process on one loopback port, and what is known about it.

It starts with an environment of its own (its Lambda workers inherit it), keeps its data under a state folder, and
forgets stream positions before each start, because positions survive a restart there and the records do not.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import interrupts
from infra.local.errors import RunFailedError
from infra.local.processes import Child

REGION = "eu-central-1"
START_SECONDS = 30.0
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of a random name is made in it)
MEMORY_BYTES = 2 * 1024**3
"""How much room there must be in memory for a scratch folder, which takes a tenth of it."""
WARM_SECONDS = 900
"""How long an idle Lambda worker stays: as long as a run, since a cold start in mid-run only costs time."""


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """How to start the local cloud.

    `state` keeps its data (None: nothing outlives the process). `logs` takes its log. `function_endpoint` is the
    address its functions call instead of the cloud's own (the fault proxy). `environment` adds to what its functions
    inherit.
    """

    logs: Path
    state: Path | None = None
    function_endpoint: str | None = None
    environment: Mapping[str, str] | None = None


class LocalCloud:
    """A running MiniStack, as `running_cloud` yields it."""

    def __init__(self, child: Child, port: int, scratch: Path) -> None:
        self.port = port
        self._child = child
        self._scratch = scratch

    @property
    def endpoint(self) -> str:
        """The address of every AWS service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def session(self) -> int:
        """Id of the session that holds the process and its workers."""
        return self._child.pid

    @property
    def log(self) -> Path:
        """The file it writes its log to."""
        return self._child.log

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._child.running

    def client(self, service: str) -> Any:
        """Return a boto3 client for `service` with the rights of the account's root."""
        import boto3
        from botocore.config import Config

        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 (the local cloud's root, known to everybody)
            config=Config(retries={"max_attempts": 2}, read_timeout=120, connect_timeout=5),
        )

    def mailbox(self) -> list[dict[str, Any]]:
        """Return every mail that SES took, oldest first."""
        accounts = self._peek("ses/messages")
        return [message for messages in accounts.values() for message in messages]

    def messages(self) -> dict[str, list[dict[str, Any]]]:
        """Return the messages of every queue at one moment, by the queue's name, as they lie there.

        `IsVisible` says whether one may be received now, `ReceiveCount` how often it was. SQS itself tells less, in a
        call per queue, whose cost a stepped run would feel.
        """
        queues = self._peek("sqs/messages").values()
        by_url = [found for regions in queues for found in regions.values()]
        return {url.split("/")[-1]: messages for found in by_url for url, messages in found.items()}

    def _peek(self, what: str) -> Any:
        """Return what the local cloud itself shows of a service, without an AWS call."""
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/{what}", timeout=30) as reply:  # noqa: S310
            return json.load(reply)["messages"]

    def wait_ready(self) -> None:
        """Return once it answers."""
        self._child.wait_ready(lambda: _healthy(self.endpoint), START_SECONDS)

    def stop(self) -> None:
        """End the process and its workers, and remove its scratch folder."""
        with interrupts.held():
            try:
                self._child.stop()
            finally:
                shutil.rmtree(self._scratch, ignore_errors=True)


@contextmanager
def running_cloud(options: CloudOptions) -> Iterator[LocalCloud]:
    """Start the local cloud, yield it once it answers, and stop it. Raises RunFailedError if it does not answer."""
    port = _port_of(options.state)
    if options.state:
        forget_stream_positions(options.state / "services" / "lambda.json")
    cloud: LocalCloud | None = None
    try:
        with interrupts.held():
            cloud = _spawn(options, port)
        cloud.wait_ready()
        yield cloud
    finally:
        if cloud:
            cloud.stop()


def _spawn(options: CloudOptions, port: int) -> LocalCloud:
    scratch = Path(tempfile.mkdtemp(prefix="signalbox-", dir=scratch_place()))
    command = [sys.executable, "-m", "ministack"]
    environment = _environment(options, port, scratch)
    child = Child("the local cloud", command, environment, options.logs / "ministack.log")
    return LocalCloud(child, port, scratch)


def scratch_place(memory: Path = MEMORY) -> Path | None:
    """Return where the scratch folder goes: into memory where there is plenty of it, and nobody chose by TMPDIR.

    Each worker unpacks some seven hundred small files into it, and all are deleted at the end: a busy disk takes half a
    minute for that.
    """
    if os.environ.get("TMPDIR") or not os.access(memory, os.W_OK):
        return None
    return memory if shutil.disk_usage(memory).free >= MEMORY_BYTES else None


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forget_stream_positions(saved: Path) -> None:
    """Remove from a saved state how far streams were read: the next start reads every stream from its beginning."""
    if not saved.exists():
        return
    state = json.loads(saved.read_text())
    state["payload"]["dynamodb_stream_positions"]["data"] = {}
    saved.write_text(json.dumps(state))


def _port_of(state: Path | None) -> int:
    """Queue addresses are stored with their port, so kept data goes on at the port it was made on."""
    if state is None:
        return free_port()
    state.mkdir(parents=True, exist_ok=True)
    kept = state / "port"
    if not kept.exists():
        kept.write_text(str(free_port()))
    port = int(kept.read_text())
    if not _is_free(port):
        raise RunFailedError(
            f"port {port}, which the stored data belongs to, is taken by another program: end that one, or forget the "
            f"data with `make reset`"
        )
    return port


def _is_free(port: int) -> bool:
    deadline = time.monotonic() + 2.0
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.1)
            else:
                return True


def _environment(options: CloudOptions, port: int, scratch: Path) -> dict[str, str]:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "AUTH": "true",
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "LAMBDA_WARM_TTL_SECONDS": str(WARM_SECONDS),
        **(options.environment or {}),
    }
    if options.function_endpoint:
        environment["AWS_ENDPOINT_URL"] = options.function_endpoint
    if options.state:
        environment |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(options.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(options.state / "objects"),
        }
    else:
        environment |= {"S3_DATA_DIR": str(scratch / "objects"), "STATE_DIR": str(scratch / "services")}
    return environment


def _healthy(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as reply:  # noqa: S310
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
