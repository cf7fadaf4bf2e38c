"""Pages of signals as text: what is kept of an answer."""

import json

from signalbox.adapters.storage.signal_items import item_of, signal_of
from signalbox.ports.signals import Page

READ_UNIT = 4096
"""Bytes of items that half a read unit holds, read eventually."""


def spell_page(page: Page) -> str:
    """Return a page as text, its signals as they are stored."""
    stored = [item_of(signal).serialize() for signal in page.signals]
    return json.dumps({"signals": stored, "cursor": page.cursor}, separators=(",", ":"))


def read_page(text: str) -> Page:
    """Return the page that `spell_page` wrote."""
    kept = json.loads(text)
    return Page([signal_of(raw) for raw in kept["signals"]], kept["cursor"])


def units_of(size: int) -> float:
    """Return the read units of an eventually consistent query that finds `size` bytes, at least."""
    return max(-(-size // READ_UNIT), 1) / 2
