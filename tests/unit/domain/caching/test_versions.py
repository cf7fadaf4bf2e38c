from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.caching.versions import EVERYTHING, Version, data_version, moves_of, names_asked, names_touched
from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from tests.builders import NOW, make_event, make_signal

DAY = timedelta(days=1)
MONTHS = st.integers(-40, 40).map(lambda months: NOW + timedelta(days=30 * months))


def some(**where: str) -> SignalFilter:
    return SignalFilter(**{name: frozenset(values.split()) for name, values in where.items()})


@pytest.mark.parametrize(
    ("where", "since", "until", "names"),
    [
        (some(), NOW - 60 * DAY, NOW - 30 * DAY, ("month 2023-11", "month 2023-12")),
        (some(symbols="BTC/USDT"), NOW - 60 * DAY, NOW - 40 * DAY, ("month 2023-11",)),
        (some(symbols="BTC/USDT ETH/USDT"), NOW - 60 * DAY, NOW, ("symbol BTC/USDT", "symbol ETH/USDT")),
        (some(strategies="momentum"), NOW - 60 * DAY, NOW, ("strategy momentum",)),
        (some(), NOW - 30 * DAY, NOW, ("month 2023-12", "month 2024-01")),
        (some(), NOW - 900 * DAY, NOW, (EVERYTHING,)),
        (some(strategies="momentum null", symbols="BTC/USDT"), NOW, NOW + DAY, ("strategy momentum", "strategy null")),
    ],
)
def test_an_answer_rests_on_the_fewest_counters_and_on_closed_months_first(where, since, until, names):
    assert names_asked(where, since, until, NOW) == names


@given(
    st.tuples(MONTHS, MONTHS),
    st.builds(
        make_signal,
        MONTHS,
        symbol=st.sampled_from(["BTC/USDT", "ETH/USDT"]),
        strategy=st.sampled_from(["momentum", "breakout", NULL_STRATEGY]),
    ),
    st.builds(
        SignalFilter,
        symbols=st.frozensets(st.sampled_from(["BTC/USDT", "ETH/USDT", *"ABCDE"])),
        strategies=st.frozensets(st.sampled_from(["momentum", "breakout", NULL_STRATEGY])),
    ),
)
def test_a_write_moves_a_counter_of_every_answer_it_can_change(
    span: tuple[datetime, datetime], signal: Signal, where: SignalFilter
):
    since, until = span
    if since <= signal.created_at < until and where.matches(signal):
        assert names_touched(make_event(signal)) & set(names_asked(where, since, until, NOW))


def test_a_coin_flip_moves_nobodys_counter_but_the_coins():
    assert names_touched(make_event(make_signal(strategy=NULL_STRATEGY))) == {"strategy null"}


def test_a_batch_moves_each_counter_once_and_tells_of_publications_only():
    signal = make_signal()
    published = make_event(signal)
    moves = moves_of([published, make_event(signal, EventKind.ENDED)])

    assert moves == dict.fromkeys(names_touched(published), frozenset({published.as_of}))


def test_the_version_changes_with_a_counter_and_at_the_moment_a_hidden_signal_may_be_seen():
    hidden = Version(3, NOW, frozenset({NOW}))
    before = data_version({"a": hidden}, NOW - timedelta(milliseconds=1))

    assert data_version({"a": hidden}, NOW - timedelta(minutes=9)) == before
    assert data_version({"a": hidden}, NOW).token != before.token
    assert data_version({"a": hidden}, NOW + DAY).token == data_version({"a": hidden}, NOW).token
    assert data_version({"a": Version(4, NOW, frozenset({NOW}))}, NOW).token != data_version({"a": hidden}, NOW).token
