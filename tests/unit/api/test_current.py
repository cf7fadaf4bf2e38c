"""What a reader sees of an open signal."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from signalbox.adapters.caching.ages import take_age
from signalbox.adapters.storage.current_prices import PRICES_LIFE, FramedCurrentPrices
from signalbox.api.current import current, currents
from signalbox.domain.instants import to_ms
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame
from signalbox.domain.universe.universe import Member, Universe
from tests.builders import NOW, ended, make_frame, make_price, make_signal
from tests.fakes.market import InMemoryPriceFrames
from tests.fakes.work import InMemoryUniverse

SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(minutes=5)


class CountingFrames(InMemoryPriceFrames):
    """Counts what is read."""

    reads = 0

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        self.reads += 1
        return super().before(bucket, moment, count)


@pytest.fixture
def frames() -> CountingFrames:
    return CountingFrames()


@pytest.fixture
def prices(frames: CountingFrames) -> FramedCurrentPrices:
    members = (Member("BTC/USDT", "binance", 0), Member("ETH/USDT", "binance", 0), Member("XRP/USDT", "kraken", 1))
    return FramedCurrentPrices(InMemoryUniverse(Universe(NOW, members)), frames)


def known(found: Mapping[str, ConsensusPrice]) -> dict[str, float]:
    return {symbol: price.price for symbol, price in found.items()}


def test_an_open_signal_is_shown_at_its_price_with_what_is_left_to_its_levels():
    filled = replace(make_signal(), filled_price=Decimal(100))

    shown = current(filled, make_price(price=104.0, low_trust=True), LATER)

    assert shown["price"] == "104.0"
    assert shown["price_time"] == "2024-01-05T13:00:00Z"
    assert shown["low_trust"] is True
    assert shown["to_target_r"] == pytest.approx(6 / 5)
    assert shown["to_stop_r"] == pytest.approx(9 / 5)
    assert shown["unrealised_r"] == pytest.approx(4 / 5 - 0.0013 * 204 / 5, abs=1e-4)
    assert shown["age_seconds"] == 289
    assert shown["levels"] == {"entry_price": "100", "target_price": "110", "stop_loss": "95"}


def test_a_revised_signal_shows_the_levels_of_its_newest_revision():
    revised = replace(make_signal(), revision=3, revised_price=Decimal("103.5"), may_act=False)

    shown = current(revised, make_price(price=104.0), LATER)

    assert (shown["revision"], shown["may_act"]) == (3, False)
    assert shown["levels"] == {"entry_price": "103.5", "target_price": "110", "stop_loss": "95"}


def test_a_tiny_price_is_plain_text():
    levels = {"entry_price": Decimal("0.000012"), "target_price": Decimal("0.000013"), "stop_loss": Decimal("0.000011")}
    signal = replace(make_signal(), levels=replace(make_signal().levels, **levels))

    assert current(signal, make_price(price=1.25e-05), LATER)["price"] == "0.0000125"


def test_without_a_price_only_what_needs_none_is_shown():
    shown = current(make_signal(), None, LATER)

    assert {shown[name] for name in ("price", "price_time", "to_target_r", "to_stop_r", "unrealised_r")} == {None}
    assert shown["age_seconds"] == 289
    assert shown["levels"]["target_price"] == "110"


def test_an_ended_signal_has_nothing_current(prices: FramedCurrentPrices, frames: CountingFrames):
    assert currents([ended(make_signal())], prices, LATER) == {}
    assert frames.reads == 0


def test_one_read_per_bucket_serves_any_number_of_symbols_for_some_seconds(
    prices: FramedCurrentPrices, frames: CountingFrames
):
    frames.save(make_frame(make_price(price=1.0), make_price("ETH/USDT", 2.0)))
    frames.save(make_frame(make_price("XRP/USDT", 3.0), bucket=1))

    every = ["BTC/USDT", "ETH/USDT", "XRP/USDT", "NOBODY/KNOWS"]
    for seconds in (0, 1, 2):
        found = prices.of(every, SOON + timedelta(seconds=seconds))
        assert known(found) == {"BTC/USDT": 1.0, "ETH/USDT": 2.0, "XRP/USDT": 3.0}
    assert frames.reads == 2


def test_a_new_frame_is_seen_once_the_old_ones_seconds_are_over(prices: FramedCurrentPrices, frames: CountingFrames):
    frames.save(make_frame(make_price(price=1.0)))
    prices.of(["BTC/USDT"], SOON)
    frames.save(make_frame(make_price(price=2.0), as_of=NOW + timedelta(minutes=1)))

    assert known(prices.of(["BTC/USDT"], SOON)) == {"BTC/USDT": 1.0}
    assert known(prices.of(["BTC/USDT"], SOON + PRICES_LIFE)) == {"BTC/USDT": 2.0}


def test_a_stale_price_is_none(prices: FramedCurrentPrices, frames: CountingFrames):
    frames.save(make_frame(make_price(price=1.0, time=to_ms(NOW)), make_price("ETH/USDT", 2.0, time=to_ms(SOON))))

    assert known(prices.of(["BTC/USDT", "ETH/USDT"], LATER)) == {"BTC/USDT": 1.0, "ETH/USDT": 2.0}
    assert known(prices.of(["BTC/USDT", "ETH/USDT"], LATER + timedelta(seconds=1))) == {"ETH/USDT": 2.0}


def test_a_price_that_is_remembered_makes_the_answer_as_old_as_it_is(prices: FramedCurrentPrices):
    ages = []
    for milliseconds in (0, 0, 1200, 3000):
        take_age()
        prices.of(["BTC/USDT", "XRP/USDT"], LATER + timedelta(milliseconds=milliseconds))
        ages.append(take_age())
    assert ages == [None, None, 2, None]


def test_a_symbol_whose_shard_is_not_done_yet_keeps_the_price_of_the_frame_before(
    prices: FramedCurrentPrices, frames: CountingFrames
):
    frames.save(make_frame(make_price(price=1.0), make_price("ETH/USDT", 2.0)))
    frames.save(make_frame(make_price(price=1.5), as_of=NOW + timedelta(minutes=1)))

    assert known(prices.of(["BTC/USDT", "ETH/USDT"], LATER)) == {"BTC/USDT": 1.5, "ETH/USDT": 2.0}
