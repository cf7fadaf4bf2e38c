"""Changes of regime told by several workers at once."""

import pytest

from signalbox.adapters import aws
from signalbox.adapters.storage import topic_log
from signalbox.adapters.storage.regimes import DynamoRegimeRepository
from signalbox.adapters.storage.topic_log import DynamoTopicLog
from signalbox.domain.delivery.topics import REGIMES
from signalbox.domain.errors import StorageUnavailableError
from tests.builders import NOW
from tests.fakes.alerts import make_change


@pytest.fixture
def regimes(tables: None) -> DynamoRegimeRepository:
    return DynamoRegimeRepository()


def test_a_change_whose_number_another_one_took_is_numbered_anew(
    regimes: DynamoRegimeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    regimes.add(make_change(0))
    numbers = iter([0, 1])  # as read before the other worker told its own, and after
    monkeypatch.setattr(topic_log, "last_number", lambda _topic: next(numbers))
    assert regimes.add(make_change(0, symbol="market"))

    entries = DynamoTopicLog().after(REGIMES, 0, 10)
    assert [(number, record["symbol"]) for number, record in entries] == [(1, "BTC/USDT"), (2, "market")]


def test_the_regimes_of_a_shard_are_one_read(regimes: DynamoRegimeRepository) -> None:
    symbols = tuple(f"S{number}/USDT" for number in range(32))
    for symbol in symbols:
        regimes.add(make_change(symbol=symbol))
    calls: list[str] = []
    aws.client("dynamodb").meta.events.register("after-call.dynamodb", lambda model, **_: calls.append(model.name))
    assert set(regimes.latest_of(symbols, make_change().timeframe, NOW)) == set(symbols)
    assert calls == ["BatchGetItem"]


def test_a_change_that_cannot_be_told_is_not_stored_either(
    regimes: DynamoRegimeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    regimes.add(make_change(0))
    monkeypatch.setattr(topic_log, "last_number", lambda _topic: 0)
    with pytest.raises(StorageUnavailableError, match="met others"):
        regimes.add(make_change(1))
    latest = regimes.latest("BTC/USDT", make_change().timeframe, make_change(9).since)
    assert latest is not None
    assert latest.since == NOW
