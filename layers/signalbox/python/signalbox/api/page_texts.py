"""Pages of signals, and one signal, as the text that is sent and kept; what prices change is added on each reading.

No web framework is imported here: who warms the cache needs none.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from signalbox.api.current import currents
from signalbox.api.representation import open_signal, represent
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.caching import KeptAnswers, Reading
from signalbox.ports.market import CurrentPrices
from signalbox.ports.signals import FeedQuery, FeedReader
from signalbox.services.kept_pages import request_of


def kept_page(query: FeedQuery, *, cache: KeptAnswers, signals: FeedReader, now: datetime) -> Reading:
    """Return a page of signals as it stands at `now`, kept or read; raise InvalidValueError for a wrong cursor."""
    return cache.answer(request_of(query, now), lambda: read_page(query, signals, now))


def read_page(query: FeedQuery, signals: FeedReader, now: datetime) -> Reading:
    """Read a page of signals as it stands at `now`; raise InvalidValueError for a cursor of another query."""
    found = signals.feed(query)
    document = {"signals": [represent(signal, now) for signal in found.signals], "next": found.cursor}
    return Reading(spelled(document), _revised(found.signals), turns_at(found.signals, now))


def read_signal(signal: Signal, revisions: list[dict[str, Any]], now: datetime) -> Reading:
    """Return one signal as it stands at `now`, with what changed about it."""
    document = {**represent(signal, now), "features": dict(signal.features), "revisions": revisions}
    return Reading(spelled(document), _revised([signal]), turns_at([signal], now))


def priced_page(kept: Reading, prices: CurrentPrices, now: datetime) -> str:
    """Return the text of a page with the `current` of each signal: what it is worth now, null once it has ended."""
    document = json.loads(kept.text)
    _add_current(document["signals"], kept, prices, now)
    return spelled(document)


def priced_signal(kept: Reading, prices: CurrentPrices, now: datetime) -> str:
    """Return the text of one signal with its `current`."""
    document = json.loads(kept.text)
    _add_current([document], kept, prices, now)
    return spelled(document)


def turns_at(signals: Iterable[Signal], now: datetime) -> datetime | None:
    """Return when one of `signals` ceases to be valid by time alone, None for never."""
    return min((signal.expires_at for signal in signals if signal.is_valid(now)), default=None)


def spelled(document: Mapping[str, Any]) -> str:
    """Return a document as compact JSON."""
    return json.dumps(document, separators=(",", ":"))


def _revised(signals: Iterable[Signal]) -> str:
    """Return, as JSON by id, the prices that open signals were revised at: all that their documents do not tell."""
    prices = {each.signal_id: each.revised_price for each in signals if each.status is Status.OPEN}
    return spelled({name: str(price) for name, price in prices.items() if price is not None})


def _add_current(shown: list[dict[str, Any]], kept: Reading, prices: CurrentPrices, now: datetime) -> None:
    revised: dict[str, str] = json.loads(kept.beside)
    opened = [open_signal(each, revised.get(each["id"])) for each in shown if each["status"] == Status.OPEN]
    worth = currents(opened, prices, now)
    for each in shown:
        each["current"] = worth.get(each["id"])
