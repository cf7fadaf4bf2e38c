"""Alerts that wait for a price, on any path that a price may take."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.alerts.alert import Alert, AlertKind
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.prices import Observation, advance
from signalbox.domain.alerts.triggers import prices_partition, trigger_of
from tests.builders import NOW
from tests.fakes.alerts import make_alert, make_terms, seen

LEVEL = Decimal(100)
REPEATING = make_terms(repeat=True, hysteresis_percent=Decimal(1))

prices = st.integers(9_500, 10_500).map(lambda cents: Decimal(cents) / 100)


@st.composite
def paths(draw: st.DrawFn) -> list[Observation]:
    """Candles of five minutes and quotes between them, one after the other, as a check may see them."""
    path, minute = [], 0.0
    for _ in range(draw(st.integers(1, 25))):
        low, high = sorted((draw(prices), draw(prices)))
        if draw(st.booleans()):
            path.append(seen(minute, high, low, lasts=5))
        else:
            path.append(seen(minute, high))
        minute += 5
    return path


def walk(alert: Alert, path: Sequence[Observation]) -> tuple[Alert, list[Firing]]:
    """The alert after it was checked at each step of the path by itself."""
    firings: list[Firing] = []
    for each in path:
        alert, new = advance(alert, [each])
        firings += new
    return alert, firings


@given(paths())
def test_an_alert_above_fires_exactly_when_the_running_high_reaches_its_price(path: list[Observation]):
    _, firings = advance(make_alert(), path)
    reached = [each for each in path if each.high >= LEVEL]
    assert [firing.at for firing in firings] == [each.end for each in reached[:1]]
    assert [firing.value for firing in firings] == [f"{each.high:f}" for each in reached[:1]]


@given(paths())
def test_an_alert_below_is_the_mirror_image(path: list[Observation]):
    _, firings = advance(make_alert(make_terms(AlertKind.BELOW)), path)
    reached = [each for each in path if each.low <= LEVEL]
    assert [firing.at for firing in firings] == [each.end for each in reached[:1]]


@given(paths(), st.sampled_from([AlertKind.ABOVE, AlertKind.BELOW, AlertKind.CROSSES]), st.booleans())
def test_however_a_path_is_cut_into_checks_the_same_is_told(path: list[Observation], kind: AlertKind, repeat: bool):
    alert = make_alert(make_terms(kind, repeat=repeat))
    assert walk(alert, path) == advance(alert, path)


@given(paths(), st.data())
def test_whatever_is_seen_again_fires_nothing_again(path: list[Observation], data: st.DataObject):
    alert = make_alert(REPEATING)
    expected = advance(alert, path)[1]
    told: list[Firing] = []
    for end in range(1, len(path) + 1):
        start = data.draw(st.integers(0, end - 1))
        for _ in range(data.draw(st.integers(1, 3))):
            alert, new = advance(alert, path[start:end])
            told += new
    assert told == expected


@given(paths())
def test_between_two_firings_the_price_was_wholly_back_beyond_the_hysteresis(path: list[Observation]):
    _, firings = advance(make_alert(REPEATING), path)
    for one, following in pairwise(firings):
        between = [each for each in path if one.at <= each.begin and each.end <= following.at]
        assert any(each.high < LEVEL * Decimal("0.99") for each in between)


@given(paths())
def test_an_alert_that_crosses_tells_of_rise_and_fall_in_turn(path: list[Observation]):
    terms = make_terms(AlertKind.CROSSES, repeat=True)
    _, firings = advance(make_alert(terms, price="90"), path)
    rises = ["rose" in firing.headline for firing in firings]
    assert rises == [at % 2 == 0 for at in range(len(rises))]


@given(paths(), st.integers(0, 60))
def test_two_firings_are_at_least_a_cool_down_apart(path: list[Observation], minutes: int):
    terms = replace(REPEATING, cooldown=timedelta(minutes=minutes))
    _, firings = advance(make_alert(terms), path)
    for one, following in pairwise(firings):
        assert following.at - one.at >= timedelta(minutes=minutes)


@given(paths())
def test_a_waiting_alert_lies_where_the_move_that_moves_it_on_looks(path: list[Observation]):
    """What a check reads (rising up to the high, falling down to the low) holds every alert that it would move."""
    alert = make_alert(REPEATING)
    for each in path:
        after, _ = advance(alert, [each])
        trigger = trigger_of(alert)
        assert trigger is not None
        rising = trigger.partition == prices_partition("BTC/USDT", rising=True)
        if after is not alert:
            assert trigger.value <= each.high if rising else trigger.value >= each.low
        alert = after


def test_a_wick_between_two_quotes_fires():
    wick = seen(60, "101", "98", lasts=60)
    _, firings = advance(make_alert(), [seen(1, "99"), wick, seen(121, "99")])
    assert [firing.value for firing in firings] == ["101"]


def test_a_wick_that_fired_does_not_let_go_of_its_own_latch():
    """A latch on the last price, which was 99, would be open again when the same wick is looked at the next time."""
    alert = make_alert(REPEATING)
    spikes = [seen(5 * at, "101", "98.5", lasts=5) for at in range(10)]
    assert len(advance(alert, spikes)[1]) == 1


def test_a_price_that_flaps_around_the_level_fires_once():
    path = [seen(at, "100.05" if at % 2 else "99.95") for at in range(50)]
    assert len(advance(make_alert(REPEATING), path)[1]) == 1
    assert len(advance(make_alert(replace(REPEATING, hysteresis_percent=Decimal(0))), path)[1]) == 25


def test_a_price_that_comes_back_from_beyond_the_hysteresis_fires_again():
    path = [seen(1, "101"), seen(2, "98.9"), seen(3, "100")]
    assert [firing.occasion for firing in advance(make_alert(REPEATING), path)[1]] == ["1", "2"]


def test_the_same_quote_again_says_nothing_new_also_without_a_hysteresis():
    terms = make_terms(AlertKind.CROSSES, repeat=True, hysteresis_percent=Decimal(0))
    assert len(advance(make_alert(terms), [seen(1, LEVEL)] * 5)[1]) == 1


def test_what_began_before_the_alert_was_made_does_not_count():
    candle = seen(-30, "105", "95", lasts=60)
    assert advance(make_alert(), [candle]) == (make_alert(), [])


def test_an_expired_alert_is_over_and_fires_nothing():
    alert = make_alert(make_terms(expires_at=NOW + timedelta(minutes=10)))
    after, firings = advance(alert, [seen(10, "101")])
    assert (after.active, firings) == (False, [])
    assert trigger_of(after) is None


def test_a_price_that_is_beyond_already_fires_at_the_first_look():
    assert len(advance(make_alert(price="120"), [seen(1, "120")])[1]) == 1


def test_an_alert_that_was_to_fire_once_waits_no_more():
    after, _ = advance(make_alert(), [seen(1, "101")])
    assert not after.active
    assert trigger_of(after) is None
