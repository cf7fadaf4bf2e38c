"""What a subscriber reads who wants one mail instead of many: every item in one table, best first."""

from collections.abc import Sequence
from dataclasses import dataclass

from signalbox.domain.delivery import mail_frame
from signalbox.domain.delivery.mail_frame import shown_time
from signalbox.domain.delivery.message import Message
from signalbox.domain.delivery.rendering import DISCLAIMER
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Origin, Signal, SignalType

_PREVIEWED = 3
"""How many items a list of mails names."""


@dataclass(frozen=True, slots=True)
class Item:
    """One signal, and what happened to it."""

    signal: Signal
    kind: EventKind


def render_digest(items: Sequence[Item], page_url: str) -> Message:
    """Return one message about several signals, in the order given; `page_url` is where their pages live, or empty.

    Both parts say the same: what happened, to which signal, at which levels, how good it is or how it ended, and in
    which regime and with which confidence it was given.
    """
    return Message(subject=_subject(items), text=_text(items, page_url), html=_html(items, page_url))


def _subject(items: Sequence[Item]) -> str:
    opened = sum(item.kind is EventKind.PUBLISHED for item in items)
    counts = [(opened, "new signal"), (len(items) - opened, "ending")]
    told = " and ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count)
    return f"{_prefix(items[0].signal)}{told}, first {items[0].signal.signal_type} {items[0].signal.symbol}"


def _prefix(signal: Signal) -> str:
    return "" if signal.origin is Origin.LIVE else f"[{signal.origin}] "


def _what(item: Item) -> str:
    signal = item.signal
    name = f"{signal.signal_type} {signal.symbol} {signal.timeframe}"
    if item.kind is EventKind.ENDED and signal.ending is not None:
        result = "" if signal.ending.r is None else f" ({signal.ending.r:+.2f} R)"
        return f"{name}: {signal.ending.status}{result}"
    return f"{name}, quality {signal.quality_score:.0f}"


def _levels(item: Item) -> str:
    levels = item.signal.levels
    prices = f"entry {levels.entry_price:f}, target {levels.target_price:f}, stop {levels.stop_loss:f}"
    if item.kind is EventKind.ENDED and item.signal.ending is not None:
        return f"{prices}; ended {shown_time(item.signal.ending.ended_at)}"
    return f"{prices}; valid until {shown_time(item.signal.expires_at)}"


def _lines(item: Item) -> list[str]:
    return [_levels(item), _given(item), f"{item.signal.strategy}: {item.signal.summary}"]


def _given(item: Item) -> str:
    confidence = item.signal.confidence
    told = "not yet calibrated" if confidence is None else f"{confidence:.0%}"
    return f"given in regime {item.signal.regime}, confidence {told}"


def _link(item: Item, page_url: str) -> str:
    return f"{page_url}/signals/{item.signal.signal_id}" if page_url else ""


def _text(items: Sequence[Item], page_url: str) -> str:
    blocks = []
    for item in items:
        lines = [*_lines(item), _link(item, page_url) or item.signal.signal_id]
        blocks.append("\n  ".join([_what(item), *lines]))
    return "\n\n".join([*blocks, DISCLAIMER, ""])


def _html(items: Sequence[Item], page_url: str) -> str:
    subject = _subject(items)
    parts = [mail_frame.heading(subject), *(_item(each, page_url) for each in items)]
    preview = ", ".join(_what(each) for each in items[:_PREVIEWED])
    return mail_frame.page(subject, parts, [DISCLAIMER], preview)


def _item(item: Item, page_url: str) -> str:
    rises = item.signal.signal_type is SignalType.BUY
    return mail_frame.item(_what(item), _link(item, page_url), _lines(item), rises=rises)
