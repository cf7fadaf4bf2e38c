"""Statistics: each event counted once whatever comes twice, in any order, or while everything is made anew."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest

from signalbox.adapters.storage.statistics import DynamoStatisticsRepository
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Origin, Signal, SignalType
from signalbox.domain.statistics.contributions import Contribution, contributions_of
from signalbox.domain.statistics.daily import DailyStatistics, of, total
from signalbox.domain.statistics.keys import ALL, keys_of, kind_of
from signalbox.domain.statistics.periods import Grain, Span, days, spans
from signalbox.ports.statistics import StatisticsReader, StatisticsRepository
from tests.builders import NOW, ended, make_signal
from tests.contracts.implementations import either
from tests.fakes.statistics import InMemoryStatistics
from tests.unit.domain.statistics.samples import random_signals

statistics = either(InMemoryStatistics, lambda: DynamoStatisticsRepository(pause=lambda _seconds: None))

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)


def everything_of(signals: Sequence[Signal]) -> list[Contribution]:
    return [each for signal in signals for each in contributions_of(signal)]


def dump(reader: StatisticsReader, origin: Origin = Origin.LIVE) -> dict[tuple[str, ...], DailyStatistics]:
    """Every stored piece, by what it is of."""
    return {
        (series.strategy, str(series.timeframe), cut, str(grain), start.isoformat()): numbers
        for series in reader.series(origin)
        for kind in {kind_of(cut) for cut in series.cuts}
        for grain in Grain
        for cut, found in reader.pieces(origin, series, kind, Span(grain, FIRST, LAST)).items()
        for start, numbers in found.items()
    }


def recounted(signals: Sequence[Signal]) -> dict[tuple[str, ...], DailyStatistics]:
    """The same from nothing but the signals."""
    found: dict[tuple[str, ...], list[DailyStatistics]] = {}
    for signal in signals:
        for key in keys_of(signal):
            for grain, start in ((Grain.DAY, key.day), (Grain.MONTH, key.day.replace(day=1))):
                place = (key.strategy, str(key.timeframe), key.cut, str(grain), start.isoformat())
                found.setdefault(place, []).append(of(signal))
    return {place: total(values) for place, values in found.items()}


def test_what_was_counted_is_read_by_day_and_by_month(statistics: StatisticsRepository) -> None:
    signals = random_signals(seed=1, count=10)
    assert statistics.count(everything_of(signals), NOW) == len(everything_of(signals))
    assert dump(statistics.reader()) == recounted(signals)


@pytest.mark.parametrize("seed", range(2))
def test_events_in_any_order_and_any_number_of_times_count_once(statistics: StatisticsRepository, seed: int) -> None:
    random = Random(seed)
    signals = random_signals(seed=seed, count=5)
    events = everything_of(signals) * 2
    random.shuffle(events)
    counted = 0
    while events:
        size = random.randint(1, 25)
        counted += statistics.count(events[:size], NOW)
        events = events[size:]
    assert counted == len(everything_of(signals))
    assert dump(statistics.reader()) == recounted(signals)


def test_a_batch_of_which_some_was_counted_adds_the_rest(statistics: StatisticsRepository) -> None:
    first, second = make_signal(), make_signal(symbol="ETH/USDT")
    assert statistics.count(contributions_of(first), NOW) == 1
    assert statistics.count([*contributions_of(second), *contributions_of(first)], NOW) == 1
    assert dump(statistics.reader()) == recounted([first, second])


def test_an_ending_that_comes_before_its_publication_is_counted_like_any_other(
    statistics: StatisticsRepository,
) -> None:
    signal = ended(make_signal())
    publication, ending = contributions_of(signal)
    assert (statistics.count([ending], NOW), statistics.count([publication], NOW)) == (1, 1)
    assert dump(statistics.reader()) == recounted([signal])


def test_origins_are_kept_apart(statistics: StatisticsRepository) -> None:
    live = make_signal()
    replay = replace(make_signal(symbol="ETH/USDT"), origin=Origin.REPLAY)
    statistics.count(everything_of([live, replay]), NOW)
    assert dump(statistics.reader()) == recounted([live])
    assert dump(statistics.reader(), Origin.REPLAY) == recounted([replay])
    assert dump(statistics.reader(), Origin.SIMULATED) == {}


def test_the_directory_names_every_cut_of_every_series(statistics: StatisticsRepository) -> None:
    signals = [make_signal(), make_signal(symbol="ETH/USDT", signal_type=SignalType.SELL), make_signal(strategy="null")]
    statistics.count(everything_of(signals), NOW)
    found = {series.strategy: series.cuts for series in statistics.reader().series(Origin.LIVE)}
    assert list(found) == ["null", "trend_following"]
    assert found["trend_following"] == {
        ALL, "symbol=BTC/USDT", "symbol=ETH/USDT", "signal_type=BUY", "signal_type=SELL", "regime=UP/NORMAL",
    }  # fmt: skip


def test_a_period_is_the_sum_of_its_whole_months_and_the_days_of_its_broken_ones(
    statistics: StatisticsRepository,
) -> None:
    moments = [NOW + timedelta(days=offset) for offset in range(0, 160, 9)]
    signals = [ended(make_signal(moment)) for moment in moments]
    statistics.count(everything_of(signals), NOW)
    reader = statistics.reader()
    (series,) = reader.series(Origin.LIVE)
    since, until = date(2024, 1, 20), date(2024, 5, 11)
    pieces = [reader.pieces(Origin.LIVE, series, ALL, span)[ALL] for span in spans(since, until)]
    within = [signal for signal in signals if since <= signal.created_at.date() < until]
    assert total(numbers for piece in pieces for numbers in piece.values()) == total(map(of, within))
    by_day = reader.pieces(Origin.LIVE, series, ALL, days(since, until)[0])[ALL]
    assert list(by_day) == sorted({signal.created_at.date() for signal in within})


def test_one_cut_is_read_as_it_is_among_all_of_its_kind(statistics: StatisticsRepository) -> None:
    symbols = ("BTC/USDT", "BTC/USDTX", "A~B/USDT", "ETH/USDT")
    signals = [make_signal(NOW + timedelta(days=9 * at), symbol=symbols[at % 4]) for at in range(16)]
    statistics.count(everything_of(signals), NOW)
    reader = statistics.reader()
    (series,) = reader.series(Origin.LIVE)
    for span in spans(date(2024, 1, 20), date(2024, 5, 11)):
        found = reader.pieces(Origin.LIVE, series, "symbol", span)
        for symbol in symbols:
            one = reader.pieces_of(Origin.LIVE, series, f"symbol={symbol}", span)
            assert list(one.items()) == list(found.get(f"symbol={symbol}", {}).items())
    assert reader.pieces_of(Origin.LIVE, series, "symbol=NEVER/USDT", span) == {}


def rebuild(statistics: StatisticsRepository, signals: Sequence[Signal], now: datetime = NOW) -> None:
    statistics.begin_rebuild()
    statistics.recount(everything_of(signals), now)
    statistics.finish_rebuild()


def test_made_anew_the_statistics_are_to_the_last_digit_what_they_were(statistics: StatisticsRepository) -> None:
    signals = random_signals(seed=5, count=6)
    statistics.count(everything_of(signals), NOW)
    kept = dump(statistics.reader())
    for _ in range(2):
        rebuild(statistics, signals)
        assert dump(statistics.reader()) == kept


def test_made_anew_the_statistics_hold_nothing_that_the_signals_do_not(statistics: StatisticsRepository) -> None:
    kept, lost = make_signal(), make_signal(symbol="ETH/USDT")
    statistics.count(everything_of([kept, lost]), NOW)
    rebuild(statistics, [kept])
    assert dump(statistics.reader()) == recounted([kept])


def test_events_that_arrive_while_all_is_made_anew_count_once_before_and_after(
    statistics: StatisticsRepository,
) -> None:
    old, met_by_both, late = (make_signal(symbol=f"{name}/USDT") for name in ("OLD", "BOTH", "LATE"))
    statistics.count(everything_of([old]), NOW)
    statistics.begin_rebuild()
    statistics.count(everything_of([met_by_both]), NOW)
    statistics.recount(everything_of([old, met_by_both]), NOW)
    statistics.count(everything_of([late, met_by_both]), NOW)
    assert dump(statistics.reader()) == recounted([old, met_by_both, late])
    statistics.finish_rebuild()
    assert dump(statistics.reader()) == recounted([old, met_by_both, late])
    assert statistics.count(everything_of([old, late]), NOW) == 0


def test_a_rebuild_that_was_given_up_leaves_no_trace_in_the_next(statistics: StatisticsRepository) -> None:
    wrong, right = make_signal(symbol="WRONG/USDT"), make_signal()
    statistics.begin_rebuild()
    statistics.recount(everything_of([wrong]), NOW)
    rebuild(statistics, [right])
    assert dump(statistics.reader()) == recounted([right])


def test_a_rebuild_must_have_begun_to_be_filled_or_finished(statistics: StatisticsRepository) -> None:
    with pytest.raises(InvalidValueError, match="must have begun"):
        statistics.recount(contributions_of(make_signal()), NOW)
    with pytest.raises(InvalidValueError, match="must have begun"):
        statistics.finish_rebuild()
