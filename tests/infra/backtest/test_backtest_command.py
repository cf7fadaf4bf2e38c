"""`make backtest`: what it writes, and that it says what a reader must know."""

import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.backtest.__main__ import main
from infra.backtest.page import render
from infra.backtest.tuning import TUNED
from infra.backtest.windows import EMBARGO, walk_forward, window_days
from tests.builders import ended, make_signal

FIRST = datetime(2019, 3, 1, tzinfo=UTC)
"""Before every span that was tuned on."""


def write_candles(path: Path, first: datetime = FIRST, hours: int = 700) -> Path:
    """Write random hourly candles of four symbols."""
    random = np.random.default_rng(4)
    lines = ["date,open,high,low,close,volume,symbol"]
    for symbol in ("BTC_USDT", "ETH_USDT", "SOL_USDT", "XRP_USDT"):
        closes = 100 * np.exp(np.cumsum(random.standard_t(4, hours) * 0.006))
        for hour in range(hours):
            opened, closed = closes[max(hour - 1, 0)], closes[hour]
            high = max(opened, closed) * (1 + random.exponential(0.003))
            low = min(opened, closed) * (1 - random.exponential(0.003))
            prices = ",".join(f"{price:.4f}" for price in (opened, high, low, closed))
            moment = f"{first + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"
            lines.append(f"{moment},{prices},{random.uniform(5, 50):.2f},{symbol}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(tmp_path_factory.mktemp("data") / "some<b>candles.csv")


@pytest.fixture(scope="module")
def written(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("build")
    assert main(["--data", str(source), "--build", str(build)]) == 0
    return build


@pytest.fixture(scope="module")
def report(written: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((written / "backtest.json").read_text())
    return found


class Tags(HTMLParser):
    """Which tags a page opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "line":
            assert self.open.pop() == tag


def test_every_strategy_stands_beside_the_coin(report: dict[str, Any]) -> None:
    assert list(report["strategies"])[-1] == "null"
    assert len(report["strategies"]) >= 7
    for name, one in report["strategies"].items():
        assert (one["edge"] is None) == (name == "null")
        assert one["edge"] is None or one["edge"]["verdict"] == "not shown"
        assert one["win_rate"]["too_few"] == (one["win_rate"]["n"] < 30)
        assert one["published"] == one["open"] + sum(one["endings"].values())


def test_the_same_candles_give_the_same_report_to_the_last_byte(source: Path, written: Path, tmp_path: Path) -> None:
    assert main(["--data", str(source), "--build", str(tmp_path)]) == 0
    for name in ("backtest.json", "backtest.html"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_the_page_is_whole_and_asks_nobody_for_anything(written: Path) -> None:
    text = (written / "backtest.html").read_text()
    page = Tags()
    page.feed(text)
    assert not page.open
    assert {"svg", "table", "details"} <= set(page.seen)
    assert "script" not in page.seen
    assert not page.addresses
    assert "prefers-color-scheme:dark" in text
    assert "edge not shown" in text


def test_what_comes_from_outside_is_escaped(report: dict[str, Any]) -> None:
    evil = "<img src=x onerror=alert(1)>"
    text = render({**report, "source": evil, "caveats": [evil], "origin": evil, "timeframe": evil, "interval": evil})
    assert "<img" not in text
    assert "some<b>" not in render(report)


def test_one_strategy_is_shown_as_it_was_among_all(source: Path, report: dict[str, Any], tmp_path: Path) -> None:
    assert main(["--data", str(source), "--build", str(tmp_path), "--strategy", "breakout"]) == 0
    alone = json.loads((tmp_path / "backtest.json").read_text())["strategies"]
    assert list(alone) == ["breakout", "null"]
    assert alone["breakout"] == report["strategies"]["breakout"]


def test_a_span_ends_before_its_last_day(source: Path, report: dict[str, Any], tmp_path: Path) -> None:
    assert main(["--data", str(source), "--build", str(tmp_path), "--from", "2019-03-16", "--to", "2019-03-20"]) == 0
    found = json.loads((tmp_path / "backtest.json").read_text())
    assert (found["from"], found["to"], found["turns"]) == ("2019-03-16T00:00:00Z", "2019-03-20T00:00:00Z", 96)
    assert found["signals"] < report["signals"]
    assert found["unfinished"] == 0


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (TUNED[0].start, ["thresholds of the strategies", "dwell, window and thresholds of the regimes"]),
        (datetime(2022, 3, 1, tzinfo=UTC), ["dwell, window and thresholds of the regimes"]),
    ],
)
def test_a_span_that_was_tuned_on_says_so(
    report: dict[str, Any], tmp_path: Path, start: datetime, expected: list[str]
) -> None:
    assert not any("In-sample" in caveat for caveat in report["caveats"])
    tuned = write_candles(tmp_path / "tuned.csv", start, hours=400)
    assert main(["--data", str(tuned), "--build", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "backtest.json").read_text())
    said = [caveat for caveat in found["caveats"] if "In-sample" in caveat]
    assert len(said) == len(expected)
    assert all(what in caveat for what, caveat in zip(expected, said, strict=True))
    assert found["variants_tried"] >= 6


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--data", "/nowhere/at/all.csv"], "does not exist"),
        (["--strategy", "crystal_ball"], "must be one of"),
        (["--from", "soon"], "ISO 8601"),
        (["--timeframe", "7h"], "must be one of"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments, "--build", str(tmp_path)]) == 1
    assert expected in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_windows_are_at_most_thirteen_and_share_no_outcome() -> None:
    end = FIRST + timedelta(days=60)
    assert window_days(FIRST, end) == 7
    assert window_days(FIRST, FIRST + timedelta(days=1380)) == 180
    moments = {"early": timedelta(hours=5), "inside": timedelta(days=3), "late": timedelta(days=6, hours=12)}
    signals = [
        ended(make_signal(FIRST + after, symbol=f"{name}/USDT", expires_at=FIRST + after + timedelta(hours=24)))
        for name, after in moments.items()
    ]
    first = walk_forward(signals, FIRST, end, overlap_days=2)["trend_following"][0]
    assert (first.n, first.purged) == (1, 2)
    assert timedelta(days=1) == EMBARGO
