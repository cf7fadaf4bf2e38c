from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.domain.accounts.account import Scope
from signalbox.domain.accounts.tokens import Audience, SignedToken, read, sign
from signalbox.domain.errors import InvalidValueError
from tests.builders import NOW

SECRET = b"a secret of this test"
TOKEN = SignedToken(
    audience=Audience.SESSION,
    account_id="acc-1",
    token_id="t-1",
    expires_at=NOW + timedelta(minutes=5),
    scopes=frozenset({Scope.READ, Scope.MANAGE}),
)


def test_a_token_says_what_was_signed() -> None:
    assert read(sign(TOKEN, SECRET), SECRET, audience=Audience.SESSION, now=NOW) == TOKEN


@pytest.mark.parametrize(
    ("text", "audience", "later"),
    [
        (sign(TOKEN, b"another secret"), Audience.SESSION, timedelta(0)),
        (sign(TOKEN, SECRET), Audience.WEBSOCKET, timedelta(0)),
        (sign(TOKEN, SECRET), Audience.SESSION, timedelta(minutes=5)),
        (sign(TOKEN, SECRET) + "=", Audience.SESSION, timedelta(0)),
        (sign(TOKEN, SECRET).removeprefix("sbt_"), Audience.SESSION, timedelta(0)),
        ("sbt_." + sign(TOKEN, SECRET).partition(".")[2], Audience.SESSION, timedelta(0)),
        ("", Audience.SESSION, timedelta(0)),
        ("sbt_" + "é" * 20, Audience.SESSION, timedelta(0)),
        ("sbt_" + "A" * 5000, Audience.SESSION, timedelta(0)),
    ],
)
def test_what_is_not_quite_the_token_is_refused_in_the_same_words(text: str, audience: Audience, later) -> None:
    with pytest.raises(InvalidValueError, match=rf"^token must be a current one for {audience}, was not$"):
        read(text, SECRET, audience=audience, now=NOW + later)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.characters())
def test_no_character_of_a_token_can_be_another(at: int, other: str) -> None:
    text = sign(TOKEN, SECRET)
    at %= len(text)
    changed = text[:at] + other + text[at + 1 :]
    if changed != text:
        with pytest.raises(InvalidValueError):
            read(changed, SECRET, audience=Audience.SESSION, now=NOW)


def test_two_tokens_that_say_different_things_look_different() -> None:
    assert sign(TOKEN, SECRET) != sign(replace(TOKEN, account_id="acc-2"), SECRET)
