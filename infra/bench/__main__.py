"""`python -m infra.bench [SUBJECT ...]`: what `make bench` runs.

Each subject is measured in a fresh process of its own with one thread, so that none inherits another's memory, caches
or threads. A subject that fails is reported, and the others still run.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from rich.console import Console

from infra.bench import report
from infra.bench.findings import Findings, Skip
from infra.bench.machine import THREADS, describe
from infra.bench.registry import SkippedError, Subject, discover, find

LONGEST_SECONDS = 240
"""A subject that takes longer is ended: all of them together must stay under 15 minutes."""

_LOG_WIDTH = 160


class FailedError(Exception):
    """Raised when a subject's process ended without findings; the message is its last words."""


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code: 1 if a subject failed, whatever the figures say."""
    options = _parser().parse_args(arguments)
    if options.answer is not None:
        return _answer(options.subjects[0], options.answer)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_LOG_WIDTH)
    subjects = discover()
    unknown = [name for name in options.subjects if name not in subjects]
    if unknown:
        sys.stderr.write(f"signalbox: subjects must be among {', '.join(subjects)}, found {', '.join(unknown)}\n")
        return 2
    chosen = [each for each in subjects.values() if not options.subjects or each.name in options.subjects]
    began = monotonic()
    found, failures = _measure_all(chosen, console)
    report.show(found, console)
    if not options.subjects:
        _write(found, subjects, options.build)
    count = report.summary(found)
    console.print(
        f"{count['held']} figures hold, {count['missed']} missed, {count['skipped']} skipped, "
        f"{len(failures)} subjects failed; {monotonic() - began:.0f} s."
    )
    for name, why in failures.items():
        console.print(f"{name} failed: {why}", style="red", markup=False)
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench", description="Ratios against named rivals")
    parser.add_argument("subjects", nargs="*", help="which subjects to measure; only a run of all writes the reports")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where bench.json goes (default: build)")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    return parser


def _measure_all(subjects: list[Subject], console: Console) -> tuple[dict[str, Findings], dict[str, str]]:
    found: dict[str, Findings] = {}
    failures: dict[str, str] = {}
    for number, subject in enumerate(subjects, 1):
        console.print(f"[{number}/{len(subjects)}] {subject.title} ...", markup=False)
        try:
            found[subject.name] = _in_own_process(subject.name)
        except FailedError as e:
            failures[subject.name] = str(e)
    return found, failures


def _in_own_process(name: str) -> Findings:
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "findings.json"
        command = [sys.executable, "-m", "infra.bench", name, "--answer", str(answer)]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **THREADS},
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise FailedError(f"took longer than {LONGEST_SECONDS} s") from e
        if done.returncode or not answer.exists():
            raise FailedError(done.stderr.strip()[-2000:] or f"ended with {done.returncode}")
        return Findings.from_json(json.loads(answer.read_text(encoding="utf-8")))


def _answer(name: str, path: Path) -> int:
    """Measure one subject in this process, and leave its findings at `path`."""
    try:
        findings = find(name).measure()
    except SkippedError as e:
        findings = Findings(skipped=(Skip(name, str(e)),))
    path.write_text(json.dumps(findings.to_json()), encoding="utf-8")
    return 0


def _write(found: dict[str, Findings], subjects: dict[str, Subject], build: Path) -> None:
    build.mkdir(parents=True, exist_ok=True)
    (build / "bench.json").write_text(report.bench_json(found.values()), encoding="utf-8")
    titles = {name: subject.title for name, subject in subjects.items()}
    day = datetime.now(UTC).date().isoformat()
    Path("BENCHMARKS.md").write_text(report.markdown(found, titles, describe(), day), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
