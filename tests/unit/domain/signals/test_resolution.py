"""How a signal ends, rule by rule (docs/definitions.md, version 1)."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from math import inf, nan
from random import Random

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.evidence import hash_candles
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.signal import Signal, Status
from tests.naive_resolver import resolve
from tests.unit.domain.signals.cases import FIRST, MINUTE, START, STEP, candles_of, flat, make_signal, sheared

FREE = Costs(fee_bps=0, half_spread_bps=0, slippage_bps=0)
LATER = START + timedelta(days=2)


def settled(signal: Signal, candles: list[Candle], **changes) -> Signal:
    return settle(signal, candles, **({"timeframe": Timeframe.M5, "now": LATER, "costs": FREE} | changes))


def price_at(time: int, price: float) -> ConsensusPrice:
    return ConsensusPrice("BTC/USDT", price, time, ("binance",), {}, low_trust=False)


def test_a_signal_fills_at_the_open_of_the_first_candle_after_publication():
    before = flat(2, 90.0, start=FIRST - 2 * STEP)
    signal = settled(make_signal(), before + flat(1, 100.2), now=from_ms(FIRST + STEP))
    assert (signal.filled_price, signal.filled_at) == (Decimal("100.2"), from_ms(FIRST))
    assert signal.status is Status.OPEN


def test_a_candle_that_opens_at_the_very_moment_of_publication_does_not_count():
    signal = make_signal(published_at=from_ms(FIRST))
    done = settled(signal, flat(2), now=from_ms(FIRST + 2 * STEP))
    assert done.filled_at == from_ms(FIRST + STEP)


@pytest.mark.parametrize("opened", [104.0, 105.0, 98.0, 97.0])
def test_a_fill_at_or_beyond_a_level_invalidates_and_books_nothing(opened: float):
    done = settled(make_signal(), candles_of((opened, 106, 96, 100)))
    assert done.status is Status.INVALIDATED
    assert (done.ending.r, done.ending.exit_price, done.ending.cost_r) == (None, None, None)
    assert done.filled_price == Decimal(repr(opened))


def test_target_and_stop_are_touched_not_crossed_and_mirror_for_a_sell():
    assert settled(make_signal(), candles_of((100, 104, 99, 101))).status is Status.TARGET_HIT
    assert settled(make_signal(), candles_of((100, 103.9, 98, 101))).status is Status.STOP_HIT
    assert settled(make_signal(buy=False), candles_of((100, 101, 96, 99))).status is Status.TARGET_HIT
    assert settled(make_signal(buy=False), candles_of((100, 102, 96.1, 99))).status is Status.STOP_HIT


def test_r_counts_from_the_fill_and_a_target_books_the_target():
    done = settled(make_signal(), candles_of((101, 102, 100, 102), (105, 106, 97, 99)))
    assert (done.status, done.ending.exit_price, done.ending.r) == (Status.TARGET_HIT, Decimal(104), 1.0)
    assert not done.ending.ambiguous


@pytest.mark.parametrize(("buy", "opened", "r"), [(True, 97.0, -1.5), (False, 103.0, -1.5)])
def test_a_gap_through_the_stop_fills_at_the_open_whatever_follows(buy: bool, opened: float, r: float):
    done = settled(make_signal(buy=buy), [*flat(1), *candles_of((opened, 110, 90, 100), start=FIRST + STEP)])
    assert (done.status, done.ending.exit_price, done.ending.r) == (Status.STOP_HIT, Decimal(repr(opened)), r)


def test_an_open_on_the_stop_is_the_stop_before_the_candle_touches_anything_else():
    done = settled(make_signal(), [*flat(1), *candles_of((98, 105, 97, 100), start=FIRST + STEP)])
    assert (done.status, done.ending.ambiguous, done.ending.r) == (Status.STOP_HIT, False, -1.0)


def test_both_levels_in_one_candle_is_a_stop_with_the_target_as_optimistic_bound():
    done = settled(make_signal(), candles_of((100, 105, 97, 100)))
    assert (done.status, done.ending.ambiguous) == (Status.STOP_HIT, True)
    assert (done.ending.r, done.ending.optimistic_r) == (-1.0, 2.0)


FINER_TARGET_FIRST = candles_of((100, 101, 99, 101), (101, 104.5, 101, 103), (103, 103, 97, 100), step=MINUTE)
FINER_TIE = candles_of((100, 101, 99, 101), (101, 105, 97, 103), step=MINUTE)


def test_a_tie_is_drilled_to_the_finest_candles():
    asked = []

    def finer(start: int, end: int) -> list[Candle]:
        asked.append((start, end))
        return FINER_TARGET_FIRST

    coarse = candles_of((100, 105, 97, 100))
    done = settled(make_signal(), coarse, finer=finer)
    assert asked == [(FIRST, FIRST + STEP)]
    assert (done.status, done.ending.ambiguous, done.ending.r) == (Status.TARGET_HIT, False, 2.0)
    assert done.ending.ended_at == from_ms(FIRST + 2 * MINUTE)
    assert (done.mfe_r, done.mae_r) == (2.0, -0.5)
    assert done.ending.candles_hash == hash_candles([*coarse, *FINER_TARGET_FIRST[:2]])


@pytest.mark.parametrize(
    "finer",
    [FINER_TIE, [], FINER_TARGET_FIRST[1:], FINER_TARGET_FIRST[:1], [FINER_TARGET_FIRST[0], FINER_TARGET_FIRST[2]]],
    ids=["tie again", "nothing stored", "begins late", "shows no touch", "hole before the touch"],
)
def test_a_drill_that_cannot_tell_leaves_the_stop_and_says_ambiguous(finer: list[Candle]):
    done = settled(make_signal(), candles_of((100, 105, 97, 100)), finer=lambda _start, _end: finer)
    assert (done.status, done.ending.ambiguous, done.ending.r) == (Status.STOP_HIT, True, -1.0)


def test_neither_level_by_expiry_books_the_last_close_then():
    done = settled(make_signal(hours=1), flat(11, 101.0))
    assert (done.status, done.ending.exit_price, done.ending.r) == (Status.EXPIRED, Decimal("101.0"), 0.0)
    assert done.ending.ended_at == done.expires_at


def test_a_candle_that_is_not_over_by_expiry_does_not_count():
    signal = make_signal(expires_at=from_ms(FIRST + STEP + 1))
    done = settled(signal, [*flat(1), *candles_of((100, 105, 99, 104), start=FIRST + STEP)])
    assert (done.status, done.ending.exit_price) == (Status.EXPIRED, Decimal("100.0"))


def test_expiry_is_booked_at_once_even_without_any_price():
    signal = make_signal()
    assert settled(signal, [], now=signal.expires_at - timedelta(milliseconds=1)).status is Status.OPEN
    done = settled(signal, [], now=signal.expires_at)
    assert (done.status, done.ending.r, done.ending.ended_at) == (Status.DATA_GAP, None, signal.expires_at)


def test_patience_waits_for_a_candle_that_is_still_due_but_no_longer():
    signal, life = make_signal(hours=8), flat(95)
    waiting = settled(signal, life[:-1], now=signal.expires_at, patience=timedelta(minutes=1))
    assert waiting.status is Status.OPEN
    assert settled(waiting, life, now=signal.expires_at, patience=timedelta(minutes=1)).status is Status.EXPIRED
    late = settled(waiting, [], now=signal.expires_at + timedelta(minutes=1), patience=timedelta(minutes=1))
    assert (late.status, late.candles_missing) == (Status.EXPIRED, 1)


def test_without_a_fresh_candle_expiry_takes_the_last_price_within_one_timeframe_else_none():
    signal = make_signal(hours=61 * 24)
    end = FIRST - STEP + 61 * 24 * 60 * MINUTE
    life = flat(61 * 24 * 12 - 20)
    booked = settled(signal, life, now=signal.expires_at, last_price=price_at(end - 30 * MINUTE, 101.5))
    assert (booked.status, booked.ending.exit_price) == (Status.EXPIRED, Decimal("101.5"))
    for useless in (None, price_at(end - 61 * MINUTE, 101.5), price_at(end + 1, 101.5), price_at(end, nan)):
        assert settled(signal, life, now=signal.expires_at, last_price=useless).status is Status.DATA_GAP


def test_expiry_takes_the_close_that_ends_there_else_the_newest_price_at_or_before_it():
    signal = make_signal(timeframe=Timeframe.H4, expires_at=from_ms(FIRST + 2000 * STEP))
    life = flat(2000)
    end = life[-1].time + STEP

    def exit_of(candles: list[Candle], time: int, price: float) -> Decimal:
        done = settled(signal, candles, now=signal.expires_at, last_price=price_at(time, price))
        assert done.status is Status.EXPIRED
        return done.ending.exit_price

    silent = life[:-30]
    assert exit_of(life, end, 98.5) == Decimal("100.0")
    assert exit_of(silent, end, 98.5) == exit_of(silent, end - 29 * STEP, 98.5) == Decimal("98.5")
    for useless in (price_at(end - 31 * STEP, 98.5), price_at(end + 1, 98.5), price_at(end, nan)):
        assert exit_of(silent, useless.time, useless.price) == Decimal("100.0")


def test_an_expiry_into_silence_is_booked_as_the_independent_resolver_says():
    rng, booked = Random(3), Counter[tuple[str, float | None]]()
    for _ in range(400):
        slots, silent = rng.choice([96, 288, 1000]), rng.randrange(20)
        end = FIRST + slots * STEP + rng.choice([0, MINUTE])
        signal, life = make_signal(expires_at=from_ms(end)), flat(slots - silent)
        quote = price_at(end + rng.randrange(-90, 30) * MINUTE, 100.25)
        done = settled(signal, life, now=from_ms(end) + timedelta(days=1), last_price=quote, costs=DEFAULT_COSTS)
        told = resolve(signal, life, STEP, DEFAULT_COSTS.side_fraction, quotes=[(quote.time, quote.price)])
        exit_price = None if done.ending.exit_price is None else float(done.ending.exit_price)
        assert (done.status, exit_price, done.ending.r) == (told.status, told.exit_price, told.r)
        booked[told.status, told.exit_price] += 1
    assert min(booked["EXPIRED", 100.0], booked["EXPIRED", 100.25], booked["DATA_GAP", None]) > 20


def test_up_to_two_percent_of_the_life_may_be_missing_and_no_more():
    signal, life = make_signal(expires_at=from_ms(FIRST + 100 * STEP)), flat(100)
    two, three = life[:10] + life[12:], life[:10] + life[13:]
    assert settled(signal, two).status is Status.EXPIRED
    gap = settled(signal, three)
    assert (gap.status, gap.ending.r, gap.ending.ended_at) == (Status.DATA_GAP, None, from_ms(FIRST + 13 * STEP))
    assert settled(signal, life[:-3]).ending.ended_at == signal.expires_at


def test_a_hit_behind_too_long_a_hole_is_no_hit():
    signal, life = make_signal(expires_at=from_ms(FIRST + 100 * STEP)), flat(100)
    hit = candles_of((100, 105, 99, 104), start=FIRST + 13 * STEP)
    assert settled(signal, life[:10] + hit).status is Status.DATA_GAP


@pytest.mark.parametrize(
    "bad",
    [(0, 105, 99, 100), (100, inf, 99, 100), (100, 105, nan, 100), (100, 105, -1, 100), (100, 99, 105, 100)],
    ids=["zero", "infinite", "not a number", "negative", "low above high"],
)
def test_a_candle_with_values_that_are_no_prices_is_missing_not_evidence(bad: tuple[float, ...]):
    life = flat(95)
    life[10] = candles_of(bad, start=FIRST + 10 * STEP)[0]
    done = settled(make_signal(), life)
    assert (done.status, done.candles_missing) == (Status.EXPIRED, 1)
    assert done.candles_hash == hash_candles(life[:10] + life[11:])


def test_a_delisted_symbol_ends_at_the_last_valid_price_and_its_silence_is_no_gap():
    signal, gone = make_signal(), from_ms(FIRST + 40 * STEP)
    done = settled(signal, flat(20, 99.0), delisted_at=gone, now=gone)
    assert (done.status, done.ending.exit_price, done.ending.ended_at) == (Status.DELISTED, Decimal("99.0"), gone)
    newer = settled(signal, flat(20), delisted_at=gone, last_price=price_at(FIRST + 30 * STEP, 98.5))
    assert newer.ending.exit_price == Decimal("98.5")
    assert settled(signal, [], delisted_at=gone).status is Status.DATA_GAP


def test_levels_touched_before_the_delisting_and_expiry_before_it_come_first():
    gone = from_ms(FIRST + 40 * STEP)
    assert settled(make_signal(), candles_of((100, 105, 99, 100)), delisted_at=gone).status is Status.TARGET_HIT
    early = make_signal(hours=1)
    assert settled(early, flat(11), delisted_at=gone).status is Status.EXPIRED


def test_what_was_to_be_had_is_kept_and_the_ending_candle_adds_its_open_and_exit_alone():
    rows = candles_of((100, 103, 99, 102), (102, 103.5, 97, 98))
    done = settled(make_signal(), rows)
    assert done.status is Status.STOP_HIT
    assert (done.mfe_r, done.mae_r) == (1.5, -1.0)


def test_costs_are_taken_off_r_and_stored_with_the_ending():
    done = settle(make_signal(), candles_of((100, 105, 99, 104)), timeframe=Timeframe.M5, now=LATER)
    assert done.ending.costs == DEFAULT_COSTS
    assert done.ending.cost_r == pytest.approx(0.0013 * (100 + 104) / 2)
    assert done.ending.r == pytest.approx(2.0 - done.ending.cost_r)


def test_an_ended_signal_is_returned_as_it_is_and_the_published_part_never_changes():
    signal = make_signal()
    done = settled(signal, candles_of((100, 105, 99, 104)))
    assert settled(done, candles_of((100, 101, 90, 91))) is done
    assert sheared(done) == sheared(signal)


def test_nothing_new_returns_the_very_same_signal():
    signal = settled(make_signal(), flat(3), now=from_ms(FIRST + 3 * STEP))
    assert settled(signal, flat(3), now=from_ms(FIRST + 3 * STEP)) is signal


def test_an_open_candle_is_never_looked_at():
    done = settled(make_signal(), candles_of((100, 105, 99, 104)), now=from_ms(FIRST + STEP - 1))
    assert (done.status, done.filled_price) == (Status.OPEN, None)


def test_candles_out_of_order_or_off_the_grid_are_an_error():
    with pytest.raises(InvalidValueError, match="ascend"):
        settled(make_signal(), [*flat(3), *flat(1)])
    with pytest.raises(InvalidValueError, match="grid"):
        settled(make_signal(), flat(2, start=FIRST + 1))


def test_candles_that_grow_during_a_signals_life_lose_nothing_of_it():
    signal = settled(make_signal(hours=8), flat(14), now=from_ms(FIRST + 14 * STEP))
    hour = 12 * STEP
    opened = FIRST - STEP + hour  # 14:00; checked up to 14:15 so far
    hours = [Candle(opened, 100.0, 100.5, 99.5, 100.0, 1.0), Candle(opened + hour, 100.0, 100.5, 97.0, 98.5, 1.0)]
    quiet = settled(signal, hours[:1], timeframe=Timeframe.H1, now=from_ms(opened + hour))
    assert (quiet.status, quiet.candles_missing, quiet.checked_until) == (Status.OPEN, 0, from_ms(opened + hour))
    done = settled(quiet, hours, timeframe=Timeframe.H1)
    assert (done.status, done.ending.ended_at) == (Status.STOP_HIT, from_ms(opened + 2 * hour))
