"""What an account reads when its alert fired."""

from html import escape

from signalbox.domain.alerts.firing import Firing
from signalbox.domain.delivery.message import Message
from signalbox.domain.instants import to_iso

DISCLAIMER = "Not advice. You asked to be told; nothing was bought or sold."


def render_firing(firing: Firing, page_url: str) -> Message:
    """Return the message about `firing`; `page_url` is where pages live, or empty. The note is shown as plain text."""
    rows = [("When", to_iso(firing.at)), ("Alert", firing.alert_id)]
    if firing.note:
        rows.insert(0, ("Your note", firing.note))
    link = f"{page_url}/signals/{firing.signal_id}" if page_url and firing.signal_id else ""
    lines = [firing.headline, "", *(f"{name + ':':<15}{value}" for name, value in rows)]
    return Message(
        subject=f"Alert: {firing.headline}",
        text="\n".join([*lines, *([link] if link else []), "", DISCLAIMER, ""]),
        html=_html(firing, rows, link),
        facts=firing.to_record(),
    )


def _html(firing: Firing, rows: list[tuple[str, str]], link: str) -> str:
    cells = "".join(
        f'<tr><th style="text-align:left;padding:4px 16px 4px 0;font-weight:600;vertical-align:top">{escape(name)}</th>'
        f'<td style="padding:4px 0">{escape(value)}</td></tr>'
        for name, value in rows
    )
    action = f'<p><a href="{escape(link)}">See the signal and its record</a></p>' if link else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(firing.headline)}</title></head>"
        '<body style="font-family:system-ui,sans-serif;line-height:1.45;max-width:36rem;margin:0 auto;padding:16px">'
        f'<h1 style="font-size:1.15rem">{escape(firing.headline)}</h1><table>{cells}</table>{action}'
        f'<p style="opacity:.75;font-size:.85rem">{escape(DISCLAIMER)}</p></body></html>'
    )
