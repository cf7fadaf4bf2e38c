"""The one look of every mail: a frame for its parts, readable in light and dark, on a phone and on a desk.

Styles stand in the elements, since many mail programs drop everything else; colours are those of the reader's scheme,
with two of our own that are legible on white and on black. Everything that comes in is plain text, and is escaped here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from html import escape

from signalbox.domain.delivery.message import Message

GOOD, BAD = "#0e9f6e", "#e5484d"
"""For the marks of what is to rise and to fall: at least 3:1 on white and on the dark grounds of mail programs."""
_LINE = "1px solid rgba(128,128,128,.35)"
_QUIET = "opacity:.75;font-size:13px"
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:16px;line-height:1.5"


def page(subject: str, parts: Iterable[str], footer: Sequence[str], preview: str = "") -> str:
    """Return a mail's HTML.

    Parameters
    ----------
    subject : str
        The document's title.
    parts : iterable of str
        HTML made by the functions below, one under the other.
    footer : sequence of str
        Lines of small print.
    preview : str
        What a list of mails shows behind the subject.
    """
    small = "<br>".join(map(escape, footer))
    shown = f'<div style="display:none;max-height:0;overflow:hidden">{escape(preview)}</div>' if preview else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(subject)}</title><style>:root{{color-scheme:light dark}}</style></head>"
        f'<body style="margin:0;padding:24px 16px;{_FONT}">{shown}'
        f'<div style="max-width:560px;margin:0 auto;overflow-wrap:anywhere">{"".join(parts)}'
        f'<p style="{_QUIET};margin:24px 0 0;padding-top:12px;border-top:{_LINE}">{small}</p></div></body></html>'
    )


def heading(text: str, kicker: str = "", *, rises: bool | None = None) -> str:
    """Return the mail's heading; `kicker` names above it what it is about, marked by where it is to go."""
    above = f'<p style="margin:0 0 4px;font-weight:700">{_mark(rises)}{escape(kicker)}</p>' if kicker else ""
    return f'{above}<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3">{escape(text)}</h1>'


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f'<p style="margin:0 0 16px">{escape(text)}</p>'


def figures(cells: Sequence[tuple[str, str, str]]) -> str:
    """Return a row of figures, each with its name above it and a remark below it."""
    shown = "".join(
        f'<td style="padding:10px 12px 10px 0;vertical-align:top;width:{100 // len(cells)}%">'
        f'<span style="{_QUIET}">{escape(name)}</span><br><strong>{escape(value)}</strong>'
        f'<br><span style="{_QUIET}">{escape(remark)}</span></td>'
        for name, value, remark in cells
    )
    style = f"width:100%;border-collapse:collapse;margin:0 0 12px;border-top:{_LINE};border-bottom:{_LINE}"
    return f'<table role="presentation" style="{style}"><tr>{shown}</tr></table>'


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and what they are."""
    cells = "".join(
        '<tr><th scope="row" style="text-align:left;padding:4px 16px 4px 0;font-weight:600;vertical-align:top;'
        f'white-space:nowrap">{escape(name)}</th><td style="padding:4px 0">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table style="border-collapse:collapse;margin:0 0 16px">{cells}</table>'


def item(title: str, link: str, lines: Iterable[str], *, rises: bool | None = None) -> str:
    """Return one of several things, its title a link where there is one."""
    name = f'<a href="{escape(link)}">{escape(title)}</a>' if link else escape(title)
    first, *others = map(escape, lines)
    rest = "".join(f'<br><span style="{_QUIET}">{line}</span>' for line in others)
    return (
        f'<p style="margin:0 0 16px;padding-top:12px;border-top:{_LINE}">'
        f"<strong>{_mark(rises)}{name}</strong><br>{first}{rest}</p>"
    )


def button(label: str, link: str) -> str:
    """Return what a reader is to press; nothing without a link."""
    style = "display:inline-block;padding:10px 18px;border-radius:6px;background:#1d4ed8;color:#ffffff"
    look = f"{style};font-weight:600;text-decoration:none"
    return f'<p style="margin:0 0 16px"><a href="{escape(link)}" style="{look}">{escape(label)}</a></p>' if link else ""


def code(text: str) -> str:
    """Return a word to copy."""
    return f'<p style="margin:0 0 16px"><code style="font-size:15px">{escape(text)}</code></p>'


def with_way_out(mail: Message, link: str) -> Message:
    """Return a mail whose two parts end with a link to have no more of them, for readers whose program shows none."""
    style = f"{_QUIET};max-width:560px;margin:12px auto 0"
    line = f'<p style="{style}"><a href="{escape(link)}">Unsubscribe</a></p>'
    before, end, after = mail.html.rpartition("</body>")
    return replace(mail, text=f"{mail.text}\nUnsubscribe: {link}\n", html=f"{before}{line}{end}{after}")


def shown_time(moment: datetime) -> str:
    """Return a moment as people read it, in UTC, with its seconds where there are any."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC"


def _mark(rises: bool | None) -> str:  # noqa: FBT001 - where there is none, there is no mark
    if rises is None:
        return ""
    colour, sign = (GOOD, "&#9650;") if rises else (BAD, "&#9660;")
    return f'<span style="color:{colour}" aria-hidden="true">{sign}</span> '
