"""From ccxt's errors and HTTP's facts to ours."""

from datetime import UTC, datetime

import pytest

from signalbox.adapters.exchanges.ccxt_import import ccxt_errors
from signalbox.adapters.exchanges.errors import Reply, retry_after_seconds, to_signalbox_error
from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeReplyError,
    ExchangeUnavailableError,
    RateLimitedError,
    UnknownSymbolError,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def translate(name: str, status: int | None = None, text: str = "", headers: dict[str, str] | None = None):
    error = getattr(ccxt_errors(), name)(f"binance {text}")
    reply = Reply(status, headers or {}, text) if status is not None else None
    return to_signalbox_error(error, "binance", reply, NOW)


@pytest.mark.parametrize(
    ("name", "status", "text", "expected"),
    [
        ("DDoSProtection", 429, "", RateLimitedError),
        ("DDoSProtection", 418, "", RateLimitedError),
        ("RateLimitExceeded", 200, "", RateLimitedError),
        ("ExchangeError", 429, "", RateLimitedError),
        ("ExchangeNotAvailable", 403, "access too frequent", RateLimitedError),
        ("ExchangeNotAvailable", 403, "blocked in your country", ExchangeRefusedError),
        ("ExchangeNotAvailable", 451, "restricted location", ExchangeRefusedError),
        ("AuthenticationError", 401, "", ExchangeRefusedError),
        ("PermissionDenied", 200, "", ExchangeRefusedError),
        ("RestrictedLocation", 200, "", ExchangeRefusedError),
        ("AccountSuspended", 200, "", ExchangeRefusedError),
        ("OnMaintenance", 200, "", ExchangeUnavailableError),
        ("OnMaintenance", 503, "", ExchangeUnavailableError),
        ("ExchangeNotAvailable", 502, "<html>", ExchangeUnavailableError),
        ("ExchangeError", 599, "", ExchangeUnavailableError),
        ("RequestTimeout", None, "", ExchangeUnavailableError),
        ("RequestTimeout", 408, "", ExchangeUnavailableError),
        ("NetworkError", None, "", ExchangeUnavailableError),
        ("ExchangeError", 200, "System error. Please try again later.", ExchangeUnavailableError),
        ("BadSymbol", 400, "", UnknownSymbolError),
        ("BadRequest", 200, '{"retCode":10001,"retMsg":"Not supported symbols"}', UnknownSymbolError),
        ("BadRequest", 200, '{"retCode":10001,"retMsg":"limit invalid","result":{"symbol":""}}', ExchangeReplyError),
        ("ExchangeError", 200, '{"error":["EQuery:Unknown asset pair"]}', UnknownSymbolError),
        ("ExchangeNotAvailable", 404, "", ExchangeReplyError),
        ("BadResponse", 200, "", ExchangeReplyError),
        ("NullResponse", 200, "", ExchangeReplyError),
        ("ExchangeError", 200, "", ExchangeReplyError),
        ("NotSupported", None, "", ExchangeReplyError),
    ],
)
def test_an_error_says_what_its_caller_should_do(name, status, text, expected):
    assert type(translate(name, status, text)) is expected


def test_a_misreading_is_a_reply_that_cannot_be_read():
    error = to_signalbox_error(KeyError("symbols"), "kraken", Reply(200, {}, "{}"), NOW)

    assert type(error) is ExchangeReplyError
    assert str(error) == "kraken: KeyError: 'symbols' {}"


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_the_silence_is_read_from_the_header_in_any_spelling(name):
    assert translate("DDoSProtection", 429, headers={name: "17"}).retry_after == 17


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 12:00:30", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("99999999", 3 * 86_400),
        ("soon", 10),
        ("-5", 10),
        ("", 10),
    ],
)
def test_the_silence_is_seconds_or_a_date_and_never_negative_or_endless(asked, seconds):
    assert retry_after_seconds(429, {"Retry-After": asked}, "", NOW) == seconds


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, "", 10),
        (418, "", 120),
        (403, "access too frequent", 600),
        (200, "EGeneral:Temporary lockout", 900),
        (418, f"IP banned until {int(NOW.timestamp() * 1000) + 45_500}. Please use the websocket", 45.5),
    ],
)
def test_an_exchange_that_does_not_say_how_long_gets_a_silence_by_its_kind(status, text, seconds):
    assert retry_after_seconds(status, {}, text, NOW) == seconds


def test_the_message_names_the_exchange_and_stays_short():
    message = str(translate("ExchangeNotAvailable", 502, "<html>\n" + "x" * 5000))

    assert message.startswith("binance: ExchangeNotAvailable: binance <html> xxx")
    assert len(message) < 400
