"""The structure that makes mails readable everywhere: looked at in a browser, light and dark, narrow and wide."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from signalbox.domain.alerts.rendering import render_firing
from signalbox.domain.delivery import mail_frame
from signalbox.domain.delivery.digest_rendering import Item, render_digest
from signalbox.domain.delivery.letters import confirmation_letter, sign_in_letter
from signalbox.domain.delivery.message import Message
from signalbox.domain.delivery.rendering import render
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Levels, SignalType
from tests.builders import ended, make_signal
from tests.fakes.alerts import make_firing

PAGES, API = "https://pages.example", "https://api.example/live"
TOKEN = "3q2vJk8ZrT0yXwLmN5cB7aQe3q2vJk8ZrT0yXwLmN5c"
SIGNAL = make_signal(confidence=0.58)
OVER = replace(ended(SIGNAL), filled_price=Decimal("100.25"))
SELLING = make_signal(symbol="1000SHIB/USDT", signal_type=SignalType.SELL)
MAILS = {
    "signal": render(SIGNAL, EventKind.PUBLISHED, PAGES),
    "ending": render(OVER, EventKind.ENDED, PAGES),
    "digest": render_digest([Item(SELLING, EventKind.PUBLISHED), Item(OVER, EventKind.ENDED)], PAGES),
    "alert": render_firing(make_firing(note="sell <half> & wait", signal_id=SIGNAL.signal_id), PAGES),
    "sign in": sign_in_letter(TOKEN, PAGES, API),
    "confirm": confirmation_letter(TOKEN, PAGES, API),
    "signal that can be ended": mail_frame.with_way_out(
        render(SIGNAL, EventKind.PUBLISHED, PAGES), f"{PAGES}/signals/api/unsubscribe/{TOKEN}"
    ),
    "sign in without pages": sign_in_letter(TOKEN, "", API),
    "confirm without pages": confirmation_letter(TOKEN, "", API),
}
each_mail = pytest.mark.parametrize("mail", MAILS.values(), ids=list(MAILS))
EMPTY = {"meta", "br"}


class Outline(HTMLParser):
    """What a document is made of; `words` is what a reader sees of its body."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "body" in self.open:
            self.words += f" {data}"


@each_mail
def test_a_mail_is_one_whole_document_with_one_heading_in_a_language(mail: Message) -> None:
    outline = Outline(mail.html)
    assert outline.open == []
    assert (outline.tags.count("h1"), outline.tags.count("title")) == (1, 1)
    assert ("html", "lang", "en") in outline.attributes


@each_mail
def test_a_mail_follows_the_readers_scheme_and_the_width_of_their_screen(mail: Message) -> None:
    metas = {name for tag, _, name in Outline(mail.html).attributes if tag == "meta"}
    assert {"color-scheme", "light dark", "viewport", "width=device-width,initial-scale=1"} <= metas
    assert "overflow-wrap:anywhere" in mail.html, "an id must not widen a phone's page"
    widths = [int(width) for width in re.findall(r"(?<!max-)width:(\d+)px", mail.html)]
    assert max(widths, default=0) <= 328
    # A colour that is set holds in both schemes; text has the scheme's own.
    coloured = re.findall(r'style="[^"]*(?<!-)color:(#\w+)', mail.html)
    assert set(coloured) <= {mail_frame.GOOD, mail_frame.BAD, "#ffffff"}


@each_mail
def test_a_mail_fetches_nothing_and_runs_nothing(mail: Message) -> None:
    outline = Outline(mail.html)
    assert not {"script", "img", "link", "iframe", "form"} & set(outline.tags)
    assert not [name for _, name, _ in outline.attributes if name.startswith("on") or name == "src"]
    links = [value for tag, name, value in outline.attributes if name == "href"]
    assert all(link.startswith(f"{PAGES}/") for link in links)


@each_mail
def test_a_mail_says_the_same_as_text(mail: Message) -> None:
    seen = " ".join(Outline(mail.html).words.split())
    wanted = [line.strip() for line in mail.text.splitlines() if line.strip() and "http" not in line]
    for line in wanted:
        for word in line.split():
            bare = word.strip(":;,.()")
            assert bare in seen or bare.lower() in seen.lower(), (bare, line)


@pytest.mark.parametrize("name", ["signal", "ending", "digest", "alert"])
def test_a_mail_about_the_market_says_what_it_is_not(name: str) -> None:
    assert "Not advice" in MAILS[name].text
    assert "Not advice" in MAILS[name].html


def test_a_signals_mail_names_symbol_type_and_quality_at_once_and_everything_it_rests_on_below() -> None:
    mail = MAILS["signal"]
    assert mail.subject == "BUY BTC/USDT 1h, quality 62"
    for part in (mail.text, Outline(mail.html).words):
        for said in ("BTC/USDT", "100", "110", "95", "+10.00%", "-5.00%", "62 of 100", "58%", "UP/NORMAL", "adx 31.25"):
            assert said in part, said
    assert f"{PAGES}/signals/{SIGNAL.signal_id}" in mail.text
    assert f'href="{PAGES}/signals/{SIGNAL.signal_id}"' in mail.html


def test_a_digest_tells_the_regime_and_the_confidence_that_each_signal_was_given_with() -> None:
    mail = MAILS["digest"]
    for part in (mail.text, Outline(mail.html).words):
        assert "given in regime UP/NORMAL, confidence not yet calibrated" in part
        assert "given in regime UP/NORMAL, confidence 58%" in part


def test_a_mail_that_can_be_ended_shows_the_way_out_last() -> None:
    mail, link = MAILS["signal that can be ended"], f"{PAGES}/signals/api/unsubscribe/{TOKEN}"
    assert mail.text.endswith(f"\nUnsubscribe: {link}\n")
    assert Outline(mail.html).words.endswith(" Unsubscribe")
    assert ("a", "href", link) in Outline(mail.html).attributes


@pytest.mark.parametrize(("name", "path"), [("sign in", "sign-in/confirm"), ("confirm", "subscriptions/confirm")])
def test_a_letter_without_pages_says_what_to_do_with_its_token(name: str, path: str) -> None:
    mail = MAILS[f"{name} without pages"]
    data = f"""-d '{{"token": "{TOKEN}"}}'"""
    request = f"curl -X POST \"{API}/signals/api/{path}\" -H 'Content-Type: application/json' {data}"
    assert f"with this request to the API, from a command line:\n\n{request}\n" in mail.text
    assert request in " ".join(Outline(mail.html).words.split())


@pytest.mark.parametrize(
    ("entry", "reasons", "shown"),
    [
        (
            "43250.10",
            {"ema_50": 43251.28391, "rsi_14": 71.23456, "volume": 43251.7},
            "ema_50 43251.28, rsi_14 71.23, volume 43252",
        ),
        ("0.00001234", {"close": 1.2345678e-05, "roc_24": 1.5e-05}, "close 0.00001235, roc_24 0.000015"),
        (
            "43250",
            {"highest_48": 43251.5, "lower_band": 4.3e4, "near": -12345.6},
            "highest_48 43252, lower_band 43000, near -12346",
        ),
    ],
)
def test_reasons_are_plain_numbers_and_prices_as_exact_as_the_signals_own(
    entry: str, reasons: dict[str, float], shown: str
) -> None:
    price = Decimal(entry)
    levels = Levels(entry_price=price, target_price=2 * price, stop_loss=price / 2 if "." in entry else Decimal(1))
    levels = replace(levels, stop_loss=round(levels.stop_loss, -int(price.as_tuple().exponent)))
    mail = render(make_signal(levels=levels, reasons=reasons), EventKind.PUBLISHED, PAGES)
    assert f"Because:       {shown}\n" in mail.text


def test_a_confidence_does_not_name_evidence_that_the_mail_does_not_count() -> None:
    (line,) = (line for line in MAILS["signal"].text.splitlines() if line.startswith("Confidence"))
    assert line.split(maxsplit=1)[1] == "58% that the target comes before the stop"


def test_a_note_is_text_in_every_part() -> None:
    assert "sell <half> & wait" in MAILS["alert"].text
    assert "sell &lt;half&gt; &amp; wait" in MAILS["alert"].html


@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
@pytest.mark.parametrize("colour", [mail_frame.GOOD, mail_frame.BAD])
def test_marks_stand_out_on_light_and_on_dark(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= 3


def test_the_word_on_a_button_can_be_read() -> None:
    ground = re.search(r"background:(#\w{6})", MAILS["sign in"].html)
    assert ground is not None
    assert contrast("#ffffff", ground[1]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
