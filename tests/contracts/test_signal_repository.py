from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import NULL_STRATEGY, SignalType, Status
from signalbox.ports.signals import SignalRepository
from tests.builders import NOW, ended, make_ending, make_levels, make_signal
from tests.contracts.implementations import either
from tests.fakes.signals import InMemorySignals

signals = either(InMemorySignals, DynamoSignalRepository)

RICH = make_signal(
    symbol="1000SATS/USDT",
    signal_type=SignalType.SELL,
    levels=make_levels("0.0001234", "0.0001100", "0.00013000000000000000001"),
    confidence=0.1 + 0.2,
    features={"rsi_14": 1 / 3, "atr": 5e-324},
    reasons={},
    summary="Überkauft · 高",
    filled_price=Decimal("0.000123"),
    filled_at=NOW + timedelta(hours=1),
    checked_until=NOW + timedelta(hours=2),
    mfe_r=1 / 7,
    mae_r=-2 / 3,
    revision=3,
    notes=("first", "second"),
    last_close=Decimal("0.00012"),
    candles_missing=2,
    candles_hash="abc",
    revised_price=Decimal("0.0001"),
    revised_at=NOW + timedelta(minutes=90),
)


@pytest.mark.parametrize(
    "signal",
    [make_signal(), RICH, ended(RICH), ended(make_signal(), Status.DATA_GAP, exit_price=None, r=None, costs=None)],
    ids=["plain", "rich", "ended", "nothing booked"],
)
def test_a_signal_comes_back_as_it_was_stored(signals: SignalRepository, signal):
    signals.add(signal)

    assert signals.get(signal.signal_id) == signal


def test_adding_a_signal_twice_leaves_the_first(signals: SignalRepository):
    first = make_signal(summary="first")

    assert signals.add(first) is True
    assert signals.add(make_signal(summary="second")) is False
    assert signals.get(first.signal_id) == first


def test_an_unknown_signal_is_none(signals: SignalRepository):
    assert signals.get(make_signal().signal_id) is None


@pytest.mark.parametrize("nonsense", ["", "BTC/USDT", "BTC-USDT~20249905T130000Z~trend~1h", "../../etc/passwd"])
def test_what_is_spelled_unlike_an_id_is_refused(signals: SignalRepository, nonsense: str):
    with pytest.raises(InvalidValueError, match="signal_id must"):
        signals.get(nonsense)


def test_the_signals_of_a_symbol_and_span_come_newest_first_the_coin_s_among_them(signals: SignalRepository):
    hours = [make_signal(created_at=NOW + timedelta(hours=hour)) for hour in range(4)]
    coins = [replace(signal, strategy=NULL_STRATEGY) for signal in hours]
    for signal in (hours[2], hours[0], hours[3], hours[1], *coins, make_signal(symbol="BTC/USDC")):
        signals.add(signal)

    found = signals.of_symbol("BTC/USDT", NOW + timedelta(hours=1), NOW + timedelta(hours=3))

    assert found == [hours[2], coins[2], hours[1], coins[1]]


def test_open_signals_are_found_by_symbol_and_only_while_open(signals: SignalRepository):
    # BTC/USDT and BTC/USDT:USDT share a beginning; the others share their index with nobody or anybody.
    kept = [make_signal(symbol=symbol) for symbol in ("AAVE/USDT", "BTC/USDT", "ZRX/USDT")]
    over = make_signal(symbol="BTC/USDT", created_at=NOW - timedelta(hours=1))
    for signal in (*kept, over, make_signal(symbol="BTC/USDT:USDT"), make_signal(symbol="ETH/USDT")):
        signals.add(signal)
    signals.update(over, ended(over))

    assert signals.open_of(["ZRX/USDT", "AAVE/USDT", "BTC/USDT", "XRP/USDT"]) == kept
    assert signals.open_of([]) == []


def test_the_open_signals_of_many_symbols_are_all_found(signals: SignalRepository):
    symbols = [f"COIN{number:03d}/USDT" for number in range(70)]
    for symbol in symbols:
        signals.add(make_signal(symbol=symbol))

    assert [signal.symbol for signal in signals.open_of(symbols[::2])] == symbols[::2]


def test_an_update_writes_the_whole_life_of_a_signal(signals: SignalRepository):
    before = make_signal(notes=("given",), filled_price=Decimal("100.5"))
    after = replace(
        before,
        status=Status.STOP_HIT,
        may_act=False,
        revision=1,
        filled_price=None,
        filled_at=NOW,
        checked_until=NOW,
        mfe_r=0.25,
        mae_r=-1.0,
        ending=make_ending(Status.STOP_HIT, r=-1.02, optimistic_r=1.95, ambiguous=True),
        notes=("given", "ended"),
        last_close=Decimal("95"),
        candles_missing=1,
        candles_hash="ff",
        revised_price=Decimal("99"),
        revised_at=NOW,
    )
    signals.add(before)

    assert signals.update(before, after) is True
    assert signals.get(before.signal_id) == after


@pytest.mark.parametrize("moved", [{"revision": 1}, {"status": Status.EXPIRED, "ending": make_ending(Status.EXPIRED)}])
def test_an_update_of_what_moved_on_changes_nothing(signals: SignalRepository, moved):
    before = make_signal()
    current = replace(before, **moved)
    signals.add(before)
    signals.update(before, current)

    assert signals.update(before, replace(before, mfe_r=9.0)) is False
    assert signals.get(before.signal_id) == current


def test_an_update_of_an_unknown_signal_stores_nothing(signals: SignalRepository):
    before = make_signal()

    assert signals.update(before, replace(before, revision=1)) is False
    assert signals.get(before.signal_id) is None


@pytest.mark.parametrize(
    "published", [{"levels": make_levels("101")}, {"quality_score": 99.0}, {"expires_at": NOW}, {"features": {}}]
)
def test_an_update_never_rewrites_what_was_published(signals: SignalRepository, published):
    before = make_signal()
    signals.add(before)

    with pytest.raises(InvalidValueError, match=f"published fields never change, but {next(iter(published))}"):
        signals.update(before, replace(before, revision=1, **published))
    assert signals.get(before.signal_id) == before


def test_an_ended_signal_never_changes_again(signals: SignalRepository):
    before = ended(make_signal())
    signals.add(before)

    with pytest.raises(InvalidValueError, match="an ended signal never changes"):
        signals.update(before, replace(before, mfe_r=2.0))


def test_a_decimal_that_storage_cannot_keep_exactly_is_refused():
    signal = make_signal(levels=make_levels(stop_loss="95." + "1" * 40))

    with pytest.raises(InvalidValueError, match="at most 38 digits"):
        DynamoSignalRepository().add(signal)
