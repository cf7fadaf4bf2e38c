"""What the API function's cold start takes, against importing boto3 and making one client."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from infra.bench.findings import Figure, Findings, Table
from infra.bench.registry import subject
from infra.bench.report import as_milliseconds

ROUNDS = 15
WARM_UPS = 2

_REGION = "us-east-1"
_SURROUNDINGS = {
    "AWS_DEFAULT_REGION": _REGION,
    "AWS_REGION": _REGION,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "Signalbox",
    "POWERTOOLS_SERVICE_NAME": "api",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
_CASES = {
    "python alone": "pass",
    "api: signalbox.api.app and its handler": "import functions.api.app",
    "boto3 and one DynamoDB client": f"import boto3; boto3.client('dynamodb', region_name={_REGION!r})",
}
_TIMED = """\
import sys, time
began = time.process_time()
{code}
sys.stdout.write(repr(time.process_time() - began))
"""


@subject("Cold start: the API's imports against boto3 with one client, in fresh processes")
def measure() -> Findings:
    """Measure `api.cold_import_vs_boto3`."""
    times: dict[str, list[float]] = {name: [] for name in _CASES}
    with TemporaryDirectory() as folder:
        # Compiled modules are there, as they are in a shipped layer: the first rounds write them.
        surroundings = os.environ | _SURROUNDINGS | {"PYTHONPYCACHEPREFIX": folder}
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(WARM_UPS + ROUNDS):
            for name, code in _CASES.items():
                taken = _fresh(code, surroundings)
                if number >= WARM_UPS:
                    times[name].append(taken)
    seconds = {name: median(taken) for name, taken in times.items()}
    _, ours, theirs = seconds
    figure = Figure(
        "api.cold_import_vs_boto3",
        seconds[ours] / seconds[theirs],
        "lower",
        1.2,
        "processor time of importing the api function's handler, and with it signalbox.api.app, over that of importing "
        "boto3 and making one DynamoDB client, each in fresh processes, in turns, compiled modules there",
    )
    rows = tuple((name, as_milliseconds(taken)) for name, taken in seconds.items())
    return Findings((figure,), tables=(Table(f"Fresh processes, {ROUNDS} each", ("import", "median"), rows),))


def _fresh(code: str, surroundings: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _TIMED.format(code=code)],
        env=surroundings,
        cwd=Path.cwd(),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
