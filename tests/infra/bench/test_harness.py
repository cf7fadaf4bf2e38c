"""The benchmark's own machinery: verdicts, the files it writes, how it finds subjects and says what it skipped."""

import json
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import infra.bench
from infra.bench import __main__ as command
from infra.bench import report
from infra.bench.findings import Figure, Findings, Skip, Table
from infra.bench.material import data_file, shard
from infra.bench.registry import SkippedError, discover, find, subject
from infra.bench.timing import in_order, interleaved
from signalbox.domain.errors import InvalidValueError

FASTER = Figure("speed.ours_vs_theirs", 1.7, "higher", 1.6, "their time over ours")
DEARER = Figure("cost.units", 12.0, "lower", 10.0, "units of one load")
FOUND = {
    "speed": Findings((FASTER,), tables=(Table("Times", ("case", "median"), (("ours", "1 ms"),)),), losses=("At 10.",)),
    "cost": Findings((DEARER,), skipped=(Skip("cost.others", "no rival here"),)),
}


@pytest.fixture
def in_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules belong to the package of subjects while the test runs."""
    monkeypatch.setattr(infra.bench, "__path__", [str(tmp_path), *infra.bench.__path__])
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def written(folder: Path, name: str, body: str) -> None:
    text = "from infra.bench.findings import Figure, Findings\nfrom infra.bench.registry import SkippedError, subject\n"
    (folder / f"{name}.py").write_text(f"{text}\n@subject('Of {name}')\ndef measure():\n    {body}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "better", "holds"),
    [
        (1.6, "higher", True),
        (1.59, "higher", False),
        (1.6, "lower", True),
        (1.61, "lower", False),
        (float("nan"), "higher", False),
        (float("nan"), "lower", False),
    ],
)
def test_a_figure_holds_from_its_target_on_to_the_better_side(value: float, better: str, holds: bool) -> None:
    assert Figure("a.b", value, better, 1.6, "how").holds is holds  # type: ignore[arg-type]


def test_the_json_names_every_figure_with_its_verdict_and_nothing_else() -> None:
    assert json.loads(report.bench_json(FOUND.values())) == {
        "figures": [
            {
                "name": "cost.units",
                "value": 12.0,
                "better": "lower",
                "target": 10.0,
                "holds": False,
                "how": "units of one load",
            },
            {
                "name": "speed.ours_vs_theirs",
                "value": 1.7,
                "better": "higher",
                "target": 1.6,
                "holds": True,
                "how": "their time over ours",
            },
        ]
    }


def test_findings_survive_the_way_between_processes() -> None:
    for findings in FOUND.values():
        assert Findings.from_json(json.loads(json.dumps(findings.to_json()))) == findings


def test_the_page_says_what_was_missed_skipped_and_lost_and_how_to_run_it_again() -> None:
    titles = {"speed": "Speed of ours", "cost": "Cost of a load"}

    page = report.markdown(FOUND, titles, {"Python": "3.11"}, "2026-01-01")

    for expected in (
        "| speed.ours_vs_theirs | 1.7 | at least 1.6 | holds |",
        "| cost.units | 12 | at most 10 | MISSED |",
        "| cost.others | no rival here |",
        "- At 10.",
        "## Speed of ours",
        "| ours | 1 ms |",
        "`cost.units`: units of one load",
        "make bench",
        "2026-01-01: Python 3.11",
    ):
        assert expected in page
    assert report.summary(FOUND) == {"held": 1, "missed": 1, "skipped": 1}


def test_the_terminal_shows_figures_skips_and_tables() -> None:
    console = Console(record=True, width=120, file=StringIO())

    report.show(FOUND, console)

    text = console.export_text()
    assert all(part in text for part in ("speed.ours_vs_theirs", "MISSED", "skipped", "no rival here", "Times"))


def test_every_subject_of_the_project_is_found_with_a_title_and_none_twice() -> None:
    found = discover()

    assert {"indicators", "freqtrade", "generation", "regimes", "candles", "cold_start", "edge"} <= set(found)
    assert list(found) == sorted(found)
    assert len({each.title for each in found.values()}) == len(found)


def test_a_file_in_the_package_is_all_that_a_subject_needs(in_package: Path) -> None:
    written(in_package, "newcomer", "return Findings((Figure('newcomer.value', 2.0, 'higher', 1.0, 'counted'),))")

    assert find("newcomer").title == "Of newcomer"
    assert discover()["newcomer"].measure().figures[0].holds


def test_a_module_holds_one_subject() -> None:
    def measure() -> Findings:
        return Findings()

    measure.__module__ = "infra.bench.twice"
    subject("One")(measure)

    with pytest.raises(InvalidValueError, match="twice must hold one subject"):
        subject("Another")(measure)


def test_a_skipped_subject_says_why_and_one_that_fails_does_not_stop_the_others(
    in_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "discover", lambda: {name: find(name) for name in ("broken", "missing", "sound")})
    written(in_package, "broken", "raise RuntimeError('out of order')")
    written(in_package, "missing", "raise SkippedError('no rival here')")
    written(in_package, "sound", "return Findings((Figure('sound.value', 2.0, 'higher', 1.0, 'counted'),))")
    root = Path(__file__).parents[3]
    (in_package / "sitecustomize.py").write_text(
        f"import infra.bench\ninfra.bench.__path__ = [{str(in_package)!r}, *infra.bench.__path__]\n", encoding="utf-8"
    )
    paths = (in_package, root / "layers/signalbox/python", root)
    monkeypatch.setenv("PYTHONPATH", ":".join(map(str, paths)))

    code = command.main([])

    assert code == 1
    figures = json.loads((in_package / "build/bench.json").read_text(encoding="utf-8"))["figures"]
    assert [figure["name"] for figure in figures] == ["sound.value"]
    assert "| missing | no rival here |" in (in_package / "BENCHMARKS.md").read_text(encoding="utf-8")


def test_a_subject_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nonsense"]) == 2
    assert "found nonsense" in capsys.readouterr().err


def test_cases_take_turns_and_warm_ups_do_not_count() -> None:
    order: list[str] = []

    seconds = interleaved({name: lambda name=name: order.append(name) for name in "ab"}, rounds=3, warm_ups=2)

    assert order == ["a", "b", "b", "a"] * 2 + ["a", "b"]
    assert set(seconds) == {"a", "b"}
    assert all(taken >= 0 for taken in seconds.values())


def test_cases_run_in_the_order_they_are_asked_for() -> None:
    ran: list[str] = []

    seconds = in_order({name: lambda name=name: ran.append(name) for name in "abc"}, ["b", "a", "b"])

    assert ran == ["b", "a", "b"]
    assert list(seconds) == ["a", "b"]


def test_a_shard_without_recorded_candles_is_of_the_simulated_market_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SIGNALBOX_DATA", raising=False)

    material = shard(60, 100)

    assert "simulated" in material.source
    assert material.grid.present.all()
    assert material.grid.close.shape == (60, 100)
    assert len(set(material.grid.symbols)) == 100
    assert set(material.price_steps) == set(material.grid.symbols)
    with pytest.raises(SkippedError, match="SIGNALBOX_DATA names no folder"):
        data_file("candles.parquet")
