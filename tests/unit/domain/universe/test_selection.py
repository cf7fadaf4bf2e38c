from datetime import UTC, datetime, timedelta

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.universe.selection import choose_symbols, next_universe
from signalbox.domain.universe.universe import Member, Universe

SINCE = datetime(2024, 1, 5, tzinfo=UTC)
LATER = SINCE + timedelta(days=1)


def traded(*symbols: str) -> dict[str, bool]:
    return dict.fromkeys(symbols, True)


def test_the_largest_symbols_of_the_quote_currency_are_chosen() -> None:
    volumes = {"BTC/USDT": 900.0, "ETH/USDT": 500.0, "SOL/USDT": 700.0, "BTC/EUR": 9999.0}
    assert choose_symbols(volumes, "USDT", 2) == ["BTC/USDT", "SOL/USDT"]


def test_equal_volumes_are_ordered_by_name() -> None:
    assert choose_symbols({"B/USDT": 1.0, "A/USDT": 1.0}, "USDT", 1) == ["A/USDT"]


def test_currencies_pegged_to_another_are_not_watched() -> None:
    assert choose_symbols({"USDC/USDT": 9e9, "BTC/USDT": 1.0}, "USDT", 5) == ["BTC/USDT"]


def test_the_first_exchange_that_lists_a_symbol_becomes_its_home() -> None:
    listings = {"binance": traded("BTC/USDT"), "kraken": traded("BTC/USDT", "XMR/USDT")}
    universe = next_universe(None, ["BTC/USDT", "XMR/USDT"], listings, SINCE)
    assert [(member.symbol, member.exchange) for member in universe.members] == [
        ("BTC/USDT", "binance"),
        ("XMR/USDT", "kraken"),
    ]


def test_a_symbol_that_nobody_lists_does_not_join() -> None:
    assert next_universe(None, ["GONE/USDT"], {"binance": traded("BTC/USDT")}, SINCE).members == ()


def test_a_delisted_member_stays_in_the_record_and_is_not_watched() -> None:
    before = Universe(SINCE, (Member("LUNA/USDT", "binance", 0), Member("BTC/USDT", "binance", 0)))
    after = next_universe(before, ["BTC/USDT", "LUNA/USDT"], {"binance": traded("BTC/USDT")}, LATER)
    assert [member.symbol for member in after.members] == ["LUNA/USDT", "BTC/USDT"]
    assert [member.symbol for member in after.watched] == ["BTC/USDT"]


def test_a_member_whose_home_did_not_answer_stays_listed() -> None:
    before = Universe(SINCE, (Member("XMR/USDT", "kraken", 0),))
    after = next_universe(before, ["XMR/USDT"], {"binance": traded("BTC/USDT")}, LATER)
    assert after.members[0].listed


def test_a_member_keeps_its_home_and_bucket_when_another_exchange_comes_first() -> None:
    before = Universe(SINCE, (Member("BTC/USDT", "kraken", 3),))
    after = next_universe(before, ["BTC/USDT"], {"binance": traded("BTC/USDT"), "kraken": traded("BTC/USDT")}, LATER)
    assert after.members == (Member("BTC/USDT", "kraken", 3),)


def test_a_member_that_left_the_list_keeps_its_place_but_gets_no_signals() -> None:
    before = Universe(SINCE, (Member("DOGE/USDT", "binance", 0),))
    after = next_universe(before, ["BTC/USDT"], {"binance": traded("BTC/USDT", "DOGE/USDT")}, LATER)
    assert after.members[0] == Member("DOGE/USDT", "binance", 0, watched=False)


def test_the_hundred_and_first_symbol_opens_a_new_bucket() -> None:
    symbols = [f"S{number}/USDT" for number in range(101)]
    universe = next_universe(None, symbols, {"binance": traded(*symbols)}, SINCE)
    assert [member.bucket for member in universe.members] == [0] * 100 + [1]


def test_two_symbols_with_one_checksum_are_refused() -> None:
    # "plumless" and "buckeroo" share their CRC-32.
    with pytest.raises(InvalidValueError, match="plumless and buckeroo"):
        next_universe(None, ["plumless", "buckeroo"], {"binance": traded("plumless", "buckeroo")}, SINCE)


def test_a_halted_member_stays_listed_and_watched_until_it_trades_again() -> None:
    before = Universe(SINCE, (Member("BTC/USDT", "binance", 0),))
    halted = next_universe(before, [], {"binance": {"BTC/USDT": False}}, LATER)
    assert halted.watched == (Member("BTC/USDT", "binance", 0, inactive_since=LATER),)
    again = next_universe(halted, ["BTC/USDT"], {"binance": traded("BTC/USDT")}, LATER + timedelta(days=1))
    assert again.members == before.members


def test_a_member_that_is_inactive_for_a_day_is_gone_and_its_home_not_answering_changes_nothing() -> None:
    halted = Universe(SINCE, (Member("LUNA/USDT", "binance", 0, inactive_since=SINCE),))
    inactive = {"binance": {"LUNA/USDT": False}}
    assert next_universe(halted, ["LUNA/USDT"], inactive, LATER - timedelta(seconds=1)).members[0].listed
    assert next_universe(halted, ["LUNA/USDT"], {"kraken": {}}, LATER).members == halted.members
    gone = next_universe(halted, ["LUNA/USDT"], inactive, LATER)
    assert not gone.members[0].listed
    assert not next_universe(gone, ["LUNA/USDT"], inactive, LATER).members[0].listed
    assert next_universe(gone, ["LUNA/USDT"], {"binance": traded("LUNA/USDT")}, LATER).members[0].listed


def test_a_symbol_that_is_halted_joins_where_it_trades() -> None:
    listings = {"binance": {"XMR/USDT": False}, "kraken": traded("XMR/USDT")}
    assert next_universe(None, ["XMR/USDT"], listings, SINCE).members == (Member("XMR/USDT", "kraken", 0),)
