"""What a subscriber reads who wants one mail instead of many: every item in one table, best first."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from signalbox.domain.delivery.message import Message
from signalbox.domain.delivery.rendering import DISCLAIMER
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Origin, Signal


@dataclass(frozen=True, slots=True)
class Item:
    """One signal, and what happened to it."""

    signal: Signal
    kind: EventKind


def render_digest(items: Sequence[Item], page_url: str) -> Message:
    """Return one message about several signals, in the order given; `page_url` is where their pages live, or empty.

    Both parts say the same: what happened, to which signal, at which levels, how good it is or how it ended.
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
        return f"{prices}; ended {to_iso(item.signal.ending.ended_at)}"
    return f"{prices}; valid until {to_iso(item.signal.expires_at)}"


def _link(item: Item, page_url: str) -> str:
    return f"{page_url}/signals/{item.signal.signal_id}" if page_url else ""


def _text(items: Sequence[Item], page_url: str) -> str:
    blocks = []
    for item in items:
        lines = [_what(item), f"  {_levels(item)}", f"  {item.signal.strategy}: {item.signal.summary}"]
        blocks.append("\n".join([*lines, f"  {_link(item, page_url) or item.signal.signal_id}"]))
    return "\n\n".join([*blocks, DISCLAIMER, ""])


def _html(items: Sequence[Item], page_url: str) -> str:
    rows = "".join(_row(item, page_url) for item in items)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(_subject(items))}</title></head>"
        '<body style="font-family:system-ui,sans-serif;line-height:1.45;max-width:36rem;margin:0 auto;padding:16px">'
        f'<h1 style="font-size:1.15rem">{escape(_subject(items))}</h1>{rows}'
        f'<p style="opacity:.75;font-size:.85rem">{escape(DISCLAIMER)}</p></body></html>'
    )


def _row(item: Item, page_url: str) -> str:
    link = _link(item, page_url)
    name = f'<a href="{escape(link)}">{escape(_what(item))}</a>' if link else escape(_what(item))
    told = f"{item.signal.strategy}: {item.signal.summary}"
    return (
        f'<p style="margin:0 0 16px"><strong>{name}</strong><br>{escape(_levels(item))}<br>'
        f'<span style="opacity:.75">{escape(told)}</span></p>'
    )
