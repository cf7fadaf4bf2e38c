"""Ctrl-C at any moment leaves nothing behind, seen from outside: a real run, a real signal."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.ministack import scratch_place

ROOT = Path(__file__).resolve().parents[3]


def copy_of_project(place: Path) -> Path:
    """The files a run needs, so that its lock, data and reports are not those of this folder."""
    for name in ("infra", "functions", "layers"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", place)
    return place


def left_behind(place: Path) -> list[str]:
    """Processes that the run started: each has a file of `place`, or the run's own scratch, open or in its command."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "environ"]):
        environment = process.info["environ"] or {}
        text = (
            " ".join(process.info["cmdline"] or []) + environment.get("TMPDIR", "") + environment.get("PYTHONPATH", "")
        )
        if str(place) in text:
            found.append(f"{process.info['pid']} {' '.join(process.info['cmdline'] or [])}")
    return found


@pytest.fixture
def scratch() -> Iterator[Path]:
    """An empty folder where a run would put its own."""
    place = Path(tempfile.mkdtemp(dir=scratch_place()))
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize(
    ("mode", "said", "signals"),
    [
        pytest.param(["--once"], "market:", [signal.SIGINT], id="starting"),
        pytest.param(["--once"], "start ", [signal.SIGTERM], id="deploying"),
        pytest.param(["--once"], "account ", [signal.SIGINT, signal.SIGINT], id="warming up, impatiently"),
        pytest.param([], "Ctrl-C stops everything", [signal.SIGINT, signal.SIGTERM], id="working on in real time"),
    ],
)
def test_a_stopped_run_leaves_no_process_and_no_scratch(
    tmp_path: Path, scratch: Path, mode: list[str], said: str, signals: list[signal.Signals]
) -> None:
    place = copy_of_project(tmp_path / "project")
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": f"{place / 'layers/signalbox/python'}{os.pathsep}{place}",
        "TMPDIR": str(scratch),
    }
    command = [sys.executable, "-m", "infra.local", "run", "--market", "simulated", "--turns", "1", *mode]
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        assert any(line.startswith(said) for line in run.stdout), run.stderr and run.stderr.read()
        for number in signals:
            run.send_signal(number)
            time.sleep(0.05)
        output, errors = run.communicate(timeout=120)
    assert "Traceback" not in output + errors
    assert run.returncode == (130 if "--once" in mode else 0), output + errors
    assert left_behind(place) == []
    assert left_behind(scratch) == []
    assert list(scratch.iterdir()) == []
