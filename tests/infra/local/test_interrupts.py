"""Ctrl-C at any moment leaves nothing behind, seen from outside: a real run, a real signal."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

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


@pytest.mark.xdist_group("tiny-cloud")
@pytest.mark.parametrize(
    ("signals", "seconds"),
    [
        ((signal.SIGINT,), 0.8),
        ((signal.SIGINT,), 1.8),
        ((signal.SIGTERM,), 3.0),
        ((signal.SIGINT, signal.SIGINT), 5.0),
        ((signal.SIGINT,), 9.0),
    ],
)
def test_a_stopped_run_leaves_no_process_and_no_scratch(
    tmp_path: Path, signals: tuple[signal.Signals, ...], seconds: float
) -> None:
    place = copy_of_project(tmp_path / "project")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": f"{place / 'layers/signalbox/python'}{os.pathsep}{place}",
        "TMPDIR": str(scratch),
    }
    command = [sys.executable, "-m", "infra.local", "run", "--once", "--market", "simulated"]
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        time.sleep(seconds)
        for number in signals:
            run.send_signal(number)
            time.sleep(0.05)
        output, errors = run.communicate(timeout=60)
    assert "Traceback" not in output + errors
    assert run.returncode in (130, -signals[0]), output + errors
    assert left_behind(tmp_path) == []
    assert list(scratch.iterdir()) == []
