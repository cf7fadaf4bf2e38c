"""Suppressions, price frames, price history, universe, turns, accounts."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from signalbox.adapters.storage.accounts import DynamoAccountRepository
from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore
from signalbox.adapters.storage.price_history import DynamoPriceHistory
from signalbox.adapters.storage.suppressions import DynamoSuppressionRepository
from signalbox.adapters.storage.turns import DynamoTurnRepository
from signalbox.adapters.storage.universe import DynamoUniverseRepository
from signalbox.domain.accounts.account import Tier
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.standstill import Sighting
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.signals.suppression import Suppression, SuppressionReason
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.delivery import AccountRepository
from signalbox.ports.market import PriceFrameStore
from signalbox.ports.signals import PriceHistory, SuppressionRepository
from signalbox.ports.work import Turn, TurnRepository, UniverseRepository
from tests.builders import (
    NOW,
    ended,
    make_account,
    make_ending,
    make_frame,
    make_key,
    make_levels,
    make_price,
    make_signal,
    make_suppression,
    make_universe,
)
from tests.contracts.implementations import either
from tests.fakes.delivery import InMemoryAccounts
from tests.fakes.market import InMemoryPriceFrames
from tests.fakes.signals import InMemoryPriceHistory, InMemorySuppressions
from tests.fakes.work import InMemoryTurns, InMemoryUniverse

suppressions = either(InMemorySuppressions, DynamoSuppressionRepository)
frames = either(InMemoryPriceFrames, DynamoPriceFrameStore)
history = either(InMemoryPriceHistory, DynamoPriceHistory)
universe = either(InMemoryUniverse, DynamoUniverseRepository)
turns = either(InMemoryTurns, DynamoTurnRepository)
accounts = either(InMemoryAccounts, DynamoAccountRepository)

MINUTE = timedelta(minutes=1)


def make_turn(**overrides) -> Turn:
    values = {"job": "generate_signals", "timeframe": "1h", "as_of": NOW, "planned_at": NOW, "shards": 3, "symbols": 99}
    return Turn(**values | overrides)


def test_suppressions_come_back_as_stored_newest_first(suppressions: SuppressionRepository):
    whole_symbol = make_suppression(strategy="any", reason=SuppressionReason.STALE)
    candidate = make_suppression(
        created_at=NOW + timedelta(hours=1),
        signal_type=SignalType.SELL,
        levels=make_levels("100", "90", "105"),
        expires_at=NOW + timedelta(days=1),
        quality_score=12.5,
        features={"rsi_14": 1 / 3},
        feature_version=2,
    )
    for each in (whole_symbol, candidate, make_suppression(symbol="ETH/USDT")):
        assert suppressions.add(each) is True

    assert suppressions.of_symbol("BTC/USDT", 10) == [candidate, whole_symbol]
    assert suppressions.of_symbol("BTC/USDT", 1) == [candidate]


def test_one_candidate_may_be_suppressed_for_two_reasons_but_once_for_each(suppressions: SuppressionRepository):
    first = make_suppression(reason=SuppressionReason.CONFLICT)

    assert suppressions.add(first) is True
    assert suppressions.add(replace(first, reason=SuppressionReason.REGIME)) is True
    assert suppressions.add(replace(first, detail="again")) is False
    assert len(suppressions.of_symbol("BTC/USDT", 10)) == 2


def test_candidates_are_due_once_they_ran_out_and_until_they_have_an_ending(suppressions: SuppressionRepository):
    def candidate(hours: int, **overrides: Any) -> Suppression:
        buys = {"signal_type": SignalType.BUY, "levels": make_levels(), "expires_at": NOW + timedelta(hours=hours)}
        return make_suppression(strategy=f"life_{hours}", **buys | overrides)

    second, first, last = candidate(2, features={"rsi_14": 41.5}), candidate(1), candidate(3)
    refused = make_suppression(strategy="any", reason=SuppressionReason.STALE)
    for each in (second, first, last, refused, candidate(1, symbol="ETH/USDT")):
        suppressions.add(each)
    until = NOW + timedelta(hours=3)

    assert suppressions.due("BTC/USDT", until, 10) == [first, second]
    assert suppressions.due("BTC/USDT", until, 1) == [first]
    assert suppressions.resolve(first, make_ending()) is True
    assert suppressions.due("BTC/USDT", until, 10) == [second]


def test_a_suppression_is_resolved_once_and_only_if_it_is_stored(suppressions: SuppressionRepository):
    stored, other = make_suppression(), make_suppression(reason=SuppressionReason.REGIME)
    ending = ended(make_signal()).ending
    assert ending is not None
    suppressions.add(stored)

    assert suppressions.resolve(other, ending) is False
    assert suppressions.resolve(stored, ending) is True
    assert suppressions.resolve(stored, replace(ending, r=9.0)) is False

    assert suppressions.of_symbol("BTC/USDT", 10) == [replace(stored, ending=ending)]


def test_shards_of_one_cycle_share_a_price_frame(frames: PriceFrameStore):
    seen = {"binance": Sighting(1 / 3, 1704459600000, None), "kraken": Sighting(2.0, None, 2.5)}
    bitcoin, ether = make_price("BTC/USDT", 1 / 3, seen=seen), make_price("ETH/USDT", 2.0, used=(), low_trust=True)
    frames.save(make_frame(bitcoin))
    frames.save(make_frame(ether))
    frames.save(make_frame(bitcoin))

    assert frames.latest(0) == make_frame(bitcoin, ether)


def test_a_symbol_priced_by_two_shards_keeps_its_newer_price(frames: PriceFrameStore):
    old, new = make_price(price=1.0), make_price(price=2.0, time=make_price().time + 1)
    frames.save(make_frame(new, make_price("ETH/USDT")))
    frames.save(make_frame(old))

    assert frames.latest(0).prices["BTC/USDT"] == new


def test_the_newest_price_frame_of_a_bucket_counts(frames: PriceFrameStore):
    frames.save(make_frame(make_price(price=2.0), as_of=NOW + MINUTE))
    frames.save(make_frame(make_price(price=1.0)))
    frames.save(make_frame(make_price(price=9.0), as_of=NOW + 2 * MINUTE, bucket=1))

    assert frames.latest(0) == make_frame(make_price(price=2.0), as_of=NOW + MINUTE)
    assert frames.before(0, NOW + MINUTE, 5) == [make_frame(make_price(price=1.0), as_of=NOW)]
    assert frames.before(0, NOW, 5) == []
    assert frames.latest(2) is None


def test_history_is_append_only_and_oldest_first(history: PriceHistory):
    assert history.append("id", 2, {"price": "1.10", "parts": [1, None, 0.1]}) is True
    assert history.append("id", 10, {"price": "3"}) is True
    assert history.append("id", 1, {"price": "2"}) is True
    assert history.append("id", 1, {"price": "other"}) is False
    assert history.append("else", 1, {}) is True

    assert history.of_signal("id") == [{"price": "2"}, {"price": "1.10", "parts": [1, None, 0.1]}, {"price": "3"}]
    assert history.of_signal("nothing") == []


def test_history_refuses_what_json_does_not_know(history: PriceHistory):
    with pytest.raises(InvalidValueError, match="JSON's own types"):
        history.append("id", 1, {"price": Decimal("1")})


def test_the_universe_of_a_moment_is_the_newest_version_until_then(universe: UniverseRepository):
    old = make_universe("BTC/USDT", since=NOW)
    gone = Member("LUNA/USDT", "kraken", 3, watched=False, listed=False)
    new = Universe(NOW + timedelta(milliseconds=1500), (gone, *old.members))
    assert universe.add(new) is True
    assert universe.add(old) is True

    assert universe.current(NOW - timedelta(milliseconds=1)) is None
    assert universe.current(NOW) == old
    assert universe.current(NOW + timedelta(seconds=1)) == old
    assert universe.current(NOW + timedelta(milliseconds=1500)) == new
    assert universe.current(NOW + timedelta(days=1)) == new


def test_a_member_that_is_halted_says_since_when(universe: UniverseRepository):
    halted = Universe(NOW, (Member("BTC/USDT", "binance", 0, inactive_since=NOW), Member("ETH/USDT", "binance", 0)))
    universe.add(halted)
    assert universe.current(NOW) == halted


def test_a_date_has_one_version_of_the_universe(universe: UniverseRepository):
    universe.add(make_universe("BTC/USDT"))

    assert universe.add(make_universe("ETH/USDT")) is False
    assert universe.current(NOW) == make_universe("BTC/USDT")


def test_the_newest_turn_of_each_job_and_timeframe_is_kept(turns: TurnRepository):
    newest = make_turn(as_of=NOW + timedelta(hours=1), shards=4)
    reprice, daily = make_turn(job="reprice_signals", timeframe="1m"), make_turn(timeframe="1d")
    for turn in (make_turn(), newest, make_turn(), reprice, daily):
        turns.record(turn)

    assert turns.latest() == [newest, daily, reprice]


def test_a_turn_planned_again_counts_as_planned_then(turns: TurnRepository):
    turns.record(make_turn())
    turns.record(make_turn(planned_at=NOW + MINUTE))

    assert turns.latest() == [make_turn(planned_at=NOW + MINUTE)]


def test_no_turn_is_known_at_first(turns: TurnRepository):
    assert turns.latest() == []


@pytest.mark.parametrize("wrong", [{"job": "make_coffee"}, {"timeframe": "7m"}])
def test_a_turn_that_could_not_be_found_again_is_refused(turns: TurnRepository, wrong):
    with pytest.raises(InvalidValueError, match=f"{next(iter(wrong))} must be one of"):
        turns.record(make_turn(**wrong))


def test_a_key_leads_to_its_account(accounts: AccountRepository):
    account, key = make_account(email=None), make_key()
    accounts.put(account, key)

    assert accounts.key(key.key_hash) == key
    assert accounts.account(key.account_id) == account
    assert accounts.key("00" * 32) is None
    assert accounts.account("nobody") is None


def test_a_revoked_key_says_so(accounts: AccountRepository):
    accounts.put(make_account(), make_key())
    accounts.put(make_account(tier=Tier.PREMIUM), make_key(revoked=True))

    assert accounts.key(make_key().key_hash).revoked is True
    assert accounts.account("acc-1").tier is Tier.PREMIUM
