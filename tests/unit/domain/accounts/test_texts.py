import pytest

from signalbox.domain.accounts.account import TERMS, Tier
from signalbox.domain.accounts.texts import checked_email, checked_name, without_addresses
from signalbox.domain.errors import InvalidValueError


@pytest.mark.parametrize("around", ["no mailbox {}", "<{}>: user unknown", "failed: {}, {}.", "to {};"])
def test_no_address_is_left_in_what_a_service_said(around: str) -> None:
    told = without_addresses(around.format("Ada+x@Example.com", "bob@example.org"))
    assert "@" not in told
    assert told == around.format("(address)", "(address)").replace("(address).", "(address)")
    assert without_addresses("s@example.com is not verified", but="s@example.com") == "s@example.com is not verified"


def test_an_address_is_kept_in_lower_case() -> None:
    assert checked_email("Ada.Lovelace+signals@Example.COM") == "ada.lovelace+signals@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com,eve@example.com",
        "Ada <ada@example.com>",
        '"a b"@example.com',
        "ada@localhost",
        "ada@-example.com",
        "ada..b@example.com",
        ".ada@example.com",
        "ada@exa mple.com",
        "аda@example.com",  # a Cyrillic letter
        "ada@example.com\x00",
        "",
        "@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}.com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="one plain e-mail address"):
        checked_email(text)


def test_a_name_may_have_any_letters() -> None:
    assert checked_name("  Bitcoin früh  早い ") == "Bitcoin früh 早い"


@pytest.mark.parametrize(
    "text",
    ["a\r\nBcc: eve@example.com", "<script>", "{{7*7}}", "${7*7}", "a\x00b", "a\u202eb", "a\u2028b", "x" * 61, "`id`"],
)
def test_a_name_that_means_something_to_a_header_or_template_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="printable characters"):
        checked_name(text)


def test_a_higher_tier_gives_more_of_everything_and_waits_less() -> None:
    free, pro, premium = (TERMS[tier] for tier in Tier)
    assert free.delay.total_seconds() <= 900
    assert free.delay > pro.delay > premium.delay
    for name in ("requests_per_hour", "requests_per_day", "priority", "subscriptions", "symbols", "alerts", "keys"):
        assert getattr(free, name) < getattr(pro, name) < getattr(premium, name)
    assert free.channels <= pro.channels <= premium.channels
