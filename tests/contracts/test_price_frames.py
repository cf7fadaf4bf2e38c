"""Of one shard's quotes for one cycle the newer stay; who said nothing is in the frame."""

from dataclasses import replace
from datetime import timedelta

from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore
from signalbox.domain.instants import to_ms
from signalbox.domain.market.consensus import PriceFrame
from signalbox.ports.market import PriceFrameStore
from tests.builders import NOW, make_price
from tests.contracts.implementations import either
from tests.fakes.market import InMemoryPriceFrames

frames = either(InMemoryPriceFrames, DynamoPriceFrameStore)

SHARD = ("BTC/USDT", "ETH/USDT")
MINUTE = timedelta(minutes=1)


def frame_of(price: float, seconds: int, *symbols: str, **overrides) -> PriceFrame:
    """What a shard asked `seconds` after the cycle began, for those `symbols` that had a price."""
    time = to_ms(NOW) + 1000 * seconds
    prices = {symbol: make_price(symbol, price, time=time) for symbol in symbols or SHARD}
    return replace(PriceFrame(0, NOW, prices, asked=SHARD), **overrides)


def test_quotes_that_are_older_than_the_stored_ones_are_refused(frames: PriceFrameStore):
    newer, older = frame_of(2.0, 5), frame_of(1.0, 4)
    assert frames.save(newer) is True

    assert frames.save(older) is False
    assert frames.latest(0) == newer


def test_newer_quotes_of_the_same_shard_and_cycle_take_the_place_of_older_ones(frames: PriceFrameStore):
    frames.save(frame_of(1.0, 4))
    newer = frame_of(2.0, 5, "BTC/USDT")

    assert frames.save(newer) is True
    assert frames.latest(0) == newer


def test_the_same_quotes_again_are_not_refused(frames: PriceFrameStore):
    assert [frames.save(frame_of(1.0, 4)) for _ in range(3)] == [True] * 3


def test_an_older_cycle_never_takes_the_place_of_a_newer_one(frames: PriceFrameStore):
    newer = frame_of(2.0, 60, as_of=NOW + MINUTE)
    frames.save(newer)

    assert frames.save(frame_of(1.0, 70)) is True
    assert frames.latest(0) == newer


def test_another_shard_of_the_bucket_is_not_in_the_way(frames: PriceFrameStore):
    frames.save(frame_of(1.0, 9))

    assert frames.save(frame_of(3.0, 2, "XRP/USDT", asked=("XRP/USDT",))) is True
    latest = frames.latest(0)
    assert latest is not None
    assert set(latest.prices) == {*SHARD, "XRP/USDT"}


def test_exchanges_that_said_nothing_are_kept_with_the_reason(frames: PriceFrameStore):
    frames.save(frame_of(1.0, 4, silent={"kraken": "late"}))
    frames.save(frame_of(3.0, 4, "XRP/USDT", asked=("XRP/USDT",), silent={"bybit": "down"}))

    latest = frames.latest(0)
    assert latest is not None
    assert latest.silent == {"kraken": "late", "bybit": "down"}


WHY = {"BTC/USDT": {"binance": "outlier", "bybit": "jumped"}}


def test_a_frame_without_any_price_says_why_and_what_was_settled(frames: PriceFrameStore):
    none = PriceFrame(0, NOW, {}, {"kraken": "down"}, SHARD, {"BTC/USDT": 5}, WHY)
    assert [frames.save(none), frames.save(none)] == [True, True]
    assert frames.latest(0) == none


def test_no_prices_are_older_than_any(frames: PriceFrameStore):
    none, some = PriceFrame(0, NOW, {}, {}, SHARD, {}, WHY), frame_of(1.0, -30)
    frames.save(none)
    assert frames.save(some) is True
    assert frames.save(none) is False
    assert frames.latest(0) == some


def test_a_symbol_that_another_shard_priced_was_not_refused(frames: PriceFrameStore):
    frames.save(frame_of(3.0, 4, "ETH/USDT", refused=WHY))
    frames.save(frame_of(1.0, 4, "BTC/USDT", asked=("BTC/USDT",)))

    latest = frames.latest(0)
    assert latest is not None
    assert (set(latest.prices), latest.refused) == (set(SHARD), {})
    assert len(frames.before(0, NOW + MINUTE, 5)) == 1


def test_the_frames_after_a_moment_come_oldest_first(frames: PriceFrameStore):
    cycles = [frame_of(float(number), 4, as_of=NOW + number * MINUTE) for number in range(4)]
    for each in (*cycles, replace(cycles[3], bucket=1)):
        frames.save(each)

    assert frames.after(0, NOW, 2) == cycles[1:3]
    assert frames.after(0, NOW - MINUTE, 1) == cycles[:1]
    assert frames.after(0, NOW + 3 * MINUTE, 2) == []
