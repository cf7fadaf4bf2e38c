"""Before anything starts: where scratch files go, and which Python is taken."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.local.ministack import MEMORY_BYTES, scratch_place

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)


def test_scratch_files_go_where_there_is_room(no_wish: None, tmp_path: Path) -> None:
    room = shutil.disk_usage(tmp_path).free >= MEMORY_BYTES
    assert scratch_place(memory=tmp_path) == (tmp_path if room else None)


def test_scratch_files_go_to_the_usual_place_where_memory_is_no_folder(no_wish: None, tmp_path: Path) -> None:
    assert scratch_place(memory=tmp_path / "missing") is None


def test_a_chosen_place_for_scratch_files_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert scratch_place(memory=tmp_path) is None


@pytest.mark.parametrize(
    ("told", "said"), [("Python 3.10.13", "found Python 3.10.13"), (None, "found no "), ("Python 3.14.0", "3.14.0")]
)
def test_a_python_that_is_not_supported_is_refused_in_one_line(tmp_path: Path, told: str | None, said: str) -> None:
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    if told:
        python.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{told}" || exit 1\n')
        python.chmod(0o755)
    done = subprocess.run(  # noqa: S603 (our own command)
        ["make", "-s", "run", f"PYTHON3={python}"],  # noqa: S607 (wherever make is)
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    first, *rest = done.stderr.splitlines()
    assert first.startswith("signalbox: needs Python 3.11, 3.12 or 3.13, ")
    assert said in first
    assert all(line.startswith("make") for line in rest)
    assert done.returncode != 0
    assert not (tmp_path / ".venv").exists()
