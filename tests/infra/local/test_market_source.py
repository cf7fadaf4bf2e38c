from pathlib import Path

import pytest

from infra.local.errors import RunFailedError
from infra.local.market_source import choose_market


def nobody() -> tuple[str, ...]:
    return ()


def kraken_alone() -> tuple[str, ...]:
    return ("kraken",)


def never_asked() -> tuple[str, ...]:
    raise AssertionError("no exchange may be asked")


def test_without_a_wish_the_market_is_live_where_an_exchange_answers() -> None:
    choice = choose_market("", kraken_alone)
    assert (choice.kind, choice.exchanges, choice.origin) == ("live", ("kraken",), "replay")


def test_without_a_wish_and_without_an_exchange_the_market_is_simulated() -> None:
    choice = choose_market("", nobody)
    assert (choice.kind, choice.source, choice.origin) == ("simulated", "simulated", "simulated")


def test_live_without_an_exchange_says_what_to_do() -> None:
    with pytest.raises(RunFailedError, match="MARKET=simulated"):
        choose_market("live", nobody)


def test_simulated_asks_nobody() -> None:
    assert choose_market("simulated", never_asked).kind == "simulated"


def test_a_file_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    path.touch()
    choice = choose_market(str(path), never_asked)
    assert (choice.kind, choice.source, choice.origin) == ("recorded", "candles.parquet", "replay")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(RunFailedError, match=r"nowhere\.parquet does not exist"):
        choose_market("nowhere.parquet", never_asked)
