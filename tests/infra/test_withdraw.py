from datetime import timedelta
from pathlib import Path

import pytest

from infra import commands, withdraw
from signalbox.domain.signals.signal import Origin
from signalbox.ports.work import Turn
from tests.builders import NOW, make_signal
from tests.fakes.signals import InMemorySignals
from tests.fakes.work import InMemoryTurns


def test_a_signal_of_a_stepped_market_is_withdrawn_by_its_markets_clock() -> None:
    signals, turns = InMemorySignals(), InMemoryTurns()
    replayed, live = make_signal(origin=Origin.REPLAY), make_signal(symbol="ETH/USDT", origin=Origin.LIVE)
    signals.add(replayed)
    signals.add(live)
    turns.record(Turn("generate_signals", "1h", NOW + timedelta(hours=3), NOW, 1, 2))

    assert withdraw.moment(signals, turns, replayed.signal_id) == NOW + timedelta(hours=3)
    assert withdraw.moment(signals, turns, live.signal_id) > NOW + timedelta(days=300)


def test_without_a_running_system_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "STATE", tmp_path)
    assert withdraw.main(["--signal", "some-id", "--reason", "halted"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("signalbox: a local system must be running, none is")


def test_a_reason_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        withdraw.main(["--signal", "some-id"])
    assert "--reason" in capsys.readouterr().err
