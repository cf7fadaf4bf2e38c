"""What a subscriber reads: a message that says what, at which levels, why, and what it is not."""

import re
from decimal import Decimal
from itertools import chain

from signalbox.domain.delivery import mail_frame
from signalbox.domain.delivery.facts import facts_of, labels_of
from signalbox.domain.delivery.mail_frame import shown_time
from signalbox.domain.delivery.message import Message
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Levels, Origin, Signal, SignalType
from signalbox.domain.signals.withdrawal import reason_of

DISCLAIMER = "Not advice. Signals can and do lose; the whole record, losses included, is public."

_MANY = 1_000
"""From here on a number is shown without decimal places."""
_SHOWN_ABOVE = frozenset({"Signal", "Entry", "Target", "Stop", "Reward / risk"})
"""Rows of the text that the HTML shows above its table."""
_PRICE_REASON = re.compile(r"(close|ema|sma|highest|lowest)(_\w+)?|\w+_(price|band)")
"""Names of reasons that are prices: those are shown as exactly as the signal's own."""
_ENDINGS = {
    "TARGET_HIT": "reached its target",
    "STOP_HIT": "hit its stop",
    "EXPIRED": "expired",
    "INVALIDATED": "was invalidated before it could be entered",
    "DELISTED": "ended because the symbol was delisted",
    "DATA_GAP": "ended without a result, as too many candles are missing",
}


def render(signal: Signal, kind: EventKind, page_url: str) -> Message:
    """Return the message about `signal` for an event of `kind`; `page_url` is where its page lives, or empty."""
    headline = _headline(signal, kind)
    rows = _rows(signal, kind)
    link = f"{page_url}/signals/{signal.signal_id}" if page_url else ""
    return Message(
        subject=_subject(signal, kind),
        text=_text(headline, rows, signal, link),
        html=_html(_subject(signal, kind), headline, rows, signal, link),
        facts=facts_of(signal, kind),
        labels=labels_of(signal, kind),
    )


def _subject(signal: Signal, kind: EventKind) -> str:
    prefix = "" if signal.origin is Origin.LIVE else f"[{signal.origin}] "
    name = f"{prefix}{signal.signal_type} {signal.symbol} {signal.timeframe}"
    if kind is EventKind.ENDED and signal.ending is not None:
        result = f" ({signal.ending.r:+.2f} R)" if signal.ending.r is not None else ""
        return f"{name}: {signal.ending.status}{result}"
    return f"{name}, quality {signal.quality_score:.0f}"


def _headline(signal: Signal, kind: EventKind) -> str:
    if kind is EventKind.ENDED and signal.ending is not None:
        withdrawn = reason_of(signal)
        what = f"was withdrawn ({withdrawn})" if withdrawn else _ENDINGS[signal.ending.status]
        return f"The {signal.signal_type} signal on {signal.symbol} of {shown_time(signal.created_at)} {what}."
    return f"{signal.summary}"


def _rows(signal: Signal, kind: EventKind) -> list[tuple[str, str]]:
    levels = signal.levels
    rows = [
        ("Signal", _kicker(signal)),
        ("Entry", _price(levels.entry_price)),
        ("Target", f"{_price(levels.target_price)} ({_distance(levels.target_price, levels.entry_price)})"),
        ("Stop", f"{_price(levels.stop_loss)} ({_distance(levels.stop_loss, levels.entry_price)})"),
        ("Reward / risk", f"{levels.reward_risk:.2f}"),
    ]
    if kind is EventKind.ENDED and signal.ending is not None:
        ending = signal.ending
        rows += [
            ("Filled at", _price(signal.filled_price)),
            ("Ended", f"{shown_time(ending.ended_at)} at {_price(ending.exit_price)}"),
            ("Result", "none" if ending.r is None else f"{ending.r:+.2f} R net of {ending.cost_r or 0:.2f} R costs"),
        ]
    else:
        confidence = (
            "not yet calibrated"
            if signal.confidence is None
            else f"{signal.confidence:.0%} that the target comes before the stop"
        )
        rows += [
            ("Valid until", shown_time(signal.expires_at)),
            ("Quality", f"{signal.quality_score:.0f} of 100"),
            ("Confidence", confidence),
        ]
    reasons = ", ".join(f"{name} {_reason(name, value, levels)}" for name, value in signal.reasons.items())
    return [
        *rows,
        (
            "Strategy",
            f"{signal.strategy} v{signal.strategy_version} on {signal.timeframe} candles of {signal.exchange}",
        ),
        ("Regime", signal.regime),
        ("Because", reasons),
        ("Given", f"{shown_time(signal.created_at)}, published {shown_time(signal.published_at)} ({signal.origin})"),
    ]


def _text(headline: str, rows: list[tuple[str, str]], signal: Signal, link: str) -> str:
    lines = [headline, "", *(f"{name + ':':<15}{value}" for name, value in rows), "", f"Id: {signal.signal_id}"]
    return "\n".join(chain(lines, [link] if link else [], ["", DISCLAIMER, ""]))


def _html(subject: str, headline: str, rows: list[tuple[str, str]], signal: Signal, link: str) -> str:
    levels = signal.levels
    strip = [
        ("Entry", _price(levels.entry_price), f"reward / risk {levels.reward_risk:.2f}"),
        ("Target", _price(levels.target_price), _distance(levels.target_price, levels.entry_price)),
        ("Stop", _price(levels.stop_loss), _distance(levels.stop_loss, levels.entry_price)),
    ]
    parts = [
        mail_frame.heading(headline, _kicker(signal), rises=signal.signal_type is SignalType.BUY),
        mail_frame.figures(strip),
        mail_frame.table(row for row in rows if row[0] not in _SHOWN_ABOVE),
        mail_frame.button("See the signal and its record", link),
    ]
    return mail_frame.page(subject, parts, [DISCLAIMER, f"Id: {signal.signal_id}"], preview=headline)


def _kicker(signal: Signal) -> str:
    origin = "" if signal.origin is Origin.LIVE else f" ({signal.origin})"
    return f"{signal.signal_type} {signal.symbol} {signal.timeframe}{origin}"


def _price(price: Decimal | None) -> str:
    return "none" if price is None else f"{price:f}"


def _reason(name: str, value: float, levels: Levels) -> str:
    """Return a number as people write it: never with an exponent, whatever its size."""
    number = Decimal(str(value))
    if not number.is_finite():
        return str(value)
    if _PRICE_REASON.fullmatch(name):
        return f"{round(number, _places(levels)):f}"
    return f"{value:.0f}" if abs(value) >= _MANY else f"{Decimal(f'{value:.4g}'):f}"


def _places(levels: Levels) -> int:
    """Return how many decimal places the signal's own prices have."""
    prices = (levels.entry_price, levels.target_price, levels.stop_loss)
    return max(0, *(-int(price.as_tuple().exponent) for price in prices))


def _distance(price: Decimal, entry: Decimal) -> str:
    return f"{(price - entry) / entry:+.2%}"
