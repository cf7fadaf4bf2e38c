"""A kept text says what the signals say: as they are now worth, and no longer than they stay as they are."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from signalbox.api.current import currents
from signalbox.api.page_texts import priced_page, priced_signal, read_page, read_signal, turns_at
from signalbox.api.representation import represent
from signalbox.domain.instants import to_ms
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery
from tests.builders import NOW, ended, make_price, make_signal
from tests.fakes.signals import InMemorySignals

LATER = NOW + timedelta(minutes=7)
HOUR = timedelta(hours=1)


class Prices:
    """`ports.CurrentPrices`: one price for all."""

    def of(self, symbols: set[str], now: datetime) -> Mapping[str, ConsensusPrice]:
        return {symbol: make_price(symbol, price=104.5, time=to_ms(now)) for symbol in symbols}


OPEN = [
    make_signal(NOW),
    replace(make_signal(NOW - HOUR), filled_price=Decimal("100.25"), filled_at=NOW, mfe_r=0.4, revision=1),
    replace(make_signal(NOW - 2 * HOUR), revision=3, revised_price=Decimal("101.50"), revised_at=NOW, may_act=False),
    replace(make_signal(NOW - 3 * HOUR), expires_at=NOW),
]


def stored(signals: list[Signal]) -> InMemorySignals:
    record = InMemorySignals(b"secret")
    for signal in signals:
        record.add(signal)
    return record


def test_a_kept_page_prices_open_signals_as_the_signals_themselves_would_be() -> None:
    signals = [*OPEN, ended(make_signal(NOW - 4 * HOUR))]
    query = FeedQuery(since=NOW - 9 * HOUR, until=NOW + HOUR, visible_at=LATER, limit=9)

    kept = read_page(query, stored(signals), NOW)
    shown = json.loads(priced_page(kept, Prices(), LATER))

    worth = currents(signals, Prices(), LATER)
    assert shown["next"] is None
    assert [each["current"] for each in shown["signals"]] == [worth.get(each.signal_id) for each in signals]
    assert [{k: v for k, v in each.items() if k != "current"} for each in shown["signals"]] == [
        represent(each, LATER) for each in signals
    ]
    assert json.loads(kept.text)["signals"][0].get("current") is None


def test_one_kept_signal_has_its_features_its_record_and_its_worth() -> None:
    kept = read_signal(OPEN[2], [{"number": 3}], NOW)
    shown = json.loads(priced_signal(kept, Prices(), LATER))

    assert shown["current"] == currents([OPEN[2]], Prices(), LATER)[OPEN[2].signal_id]
    assert shown["current"]["levels"]["entry_price"] == "101.50"
    assert (shown["features"], shown["revisions"]) == (dict(OPEN[2].features), [{"number": 3}])


def test_a_page_changes_by_itself_when_the_first_of_its_valid_signals_expires() -> None:
    assert turns_at(OPEN, NOW) == min(OPEN[0].expires_at, OPEN[1].expires_at)
    assert turns_at(OPEN[2:], NOW) is None
    assert turns_at([ended(make_signal())], NOW) is None
