from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.caching.versions import (
    EVERYTHING,
    MADE_ANEW,
    STATISTICS,
    Moves,
    Version,
    Waiting,
    data_version,
    moves_of,
    names_asked,
    names_touched,
    signal_names,
    statistics_asked,
    statistics_moves,
)
from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from tests.builders import NOW, ended, make_event, make_signal

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
        (some(strategies="a b c d e null"), NOW, NOW + DAY, (EVERYTHING, "strategy null")),
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

    assert moves == dict.fromkeys(names_touched(published), Moves(2, frozenset({published.as_of})))
    assert moves_of([published]) == dict.fromkeys(names_touched(published), Moves(1, frozenset({published.as_of})))
    assert moves_of([make_event(signal, EventKind.ENDED)]) == dict.fromkeys(names_touched(published), Moves(1))


@pytest.mark.parametrize("kind", [EventKind.FILLED, EventKind.REVISED])
def test_what_happens_to_a_young_signal_counts_from_its_publication_on_and_to_an_older_one_at_once(kind):
    signal = make_signal()
    for minutes, publications in ((5, {signal.published_at}), (59, {signal.published_at}), (61, set())):
        event = make_event(signal, kind, as_of=signal.published_at + timedelta(minutes=minutes))
        assert moves_of([event]) == dict.fromkeys(names_touched(event), Moves(1, frozenset(publications)))


def test_the_version_stands_still_while_what_was_published_is_hidden_and_changes_when_it_may_be_seen():
    before = data_version({"a": Version(2)}, NOW)
    hidden = Version(3, {NOW: Waiting(1, NOW)})

    assert data_version({"a": hidden}, NOW - timedelta(milliseconds=1)).token == before.token
    assert data_version({"a": hidden}, NOW).token != before.token
    assert data_version({"a": hidden}, NOW + DAY) == data_version({"a": hidden}, NOW)
    assert data_version({"a": Version(4, {NOW: Waiting(1, NOW)})}, NOW - DAY).token != before.token
    assert data_version({"a": Version(3, changed_at=NOW)}, NOW) == data_version({"a": hidden}, NOW)


def test_when_a_move_was_heard_of_is_told_to_those_who_may_know_of_it():
    moments = {NOW: Waiting(2, NOW + DAY), NOW + DAY: Waiting(1, NOW + 2 * DAY)}
    version = Version(9, moments, changed_at=NOW + timedelta(hours=1))
    heard = [version.heard_at(NOW + days * DAY) for days in (-1, 0, 1)]
    assert heard == [NOW + timedelta(hours=1), NOW + DAY, NOW + 2 * DAY]
    assert Version(1, {NOW: Waiting(1, NOW)}).heard_at(NOW - DAY) is None


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 30), max_size=3)).filter(any), min_size=1, max_size=8),
    st.integers(0, 30),
)
def test_what_a_caller_could_see_change_moves_the_version_and_nothing_else_does(batches, visible):
    """Each batch has some changes that everybody sees at once, and publications at moments."""
    version, seen = Version(), 0
    for others, moments in batches:
        published = {NOW + timedelta(minutes=moment) for moment in moments}
        known = dict(version.publications)
        for moment in published:
            known[moment] = Waiting(known[moment].moves + 1 if moment in known else 1, NOW)
        version = Version(version.count + others + len(published), known)
        seen += others + sum(moment <= visible for moment in moments)
        assert version.seen(NOW + timedelta(minutes=visible)) == seen


def test_statistics_move_with_endings_of_every_strategy_and_rest_on_few_months_or_on_all():
    coin = ended(make_signal(strategy=NULL_STRATEGY))
    moves = statistics_moves([make_event(coin, EventKind.ENDED), make_event(make_signal())])
    assert moves == {STATISTICS: Moves(), "statistics 2024-01": Moves()}
    assert statistics_moves([make_event(make_signal()), make_event(make_signal(), EventKind.REVISED)]) == {}

    day = NOW.date()
    assert statistics_asked(day - 40 * DAY, day) == (MADE_ANEW, "statistics 2023-11", "statistics 2023-12",
        "statistics 2024-01")  # fmt: skip
    assert statistics_asked(day - 400 * DAY, day) == (MADE_ANEW, STATISTICS)


def test_one_signal_rests_on_its_symbol_and_a_coin_flip_on_the_coins():
    for signal in (make_signal(), make_signal(strategy=NULL_STRATEGY)):
        (name,) = signal_names(signal.signal_id)
        assert name in names_touched(make_event(signal))
