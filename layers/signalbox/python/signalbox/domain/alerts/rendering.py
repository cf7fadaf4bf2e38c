"""What an account reads when its alert fired."""

from signalbox.domain.alerts.firing import Firing
from signalbox.domain.delivery import mail_frame
from signalbox.domain.delivery.message import Message

DISCLAIMER = "Not advice. You asked to be told; nothing was bought or sold."


def render_firing(firing: Firing, page_url: str) -> Message:
    """Return the message about `firing`; `page_url` is where pages live, or empty. The note is shown as plain text."""
    rows = [("When", mail_frame.shown_time(firing.at)), ("Alert", firing.alert_id)]
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
    parts = [
        mail_frame.heading(firing.headline, "Your alert fired"),
        mail_frame.table(rows),
        mail_frame.button("See the signal and its record", link),
    ]
    return mail_frame.page(f"Alert: {firing.headline}", parts, [DISCLAIMER], preview=firing.note)
