from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.adapters.storage.cursors import Cursors
from signalbox.domain.errors import InvalidValueError
from tests.builders import make_signal

POSITION = make_signal().key.sort_key
cursors = Cursors(b"secret")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200), st.text(max_size=50))
def test_a_cursor_is_read_as_it_was_written_and_written_alike_each_time(position: str, scope: str):
    cursor = cursors.write(position, scope)
    assert cursors.read(cursor, scope) == position
    assert cursors.write(position, scope) == cursor


def test_a_cursor_shows_neither_its_signal_nor_how_long_its_name_is():
    other = make_signal(symbol="1000SATS/USDT").key.sort_key
    raw, others = (urlsafe_b64decode(cursors.write(each, "")) for each in (POSITION, other))
    assert len(raw) == len(others)
    assert not any(raw[at : at + 3] in POSITION.encode() for at in range(len(raw) - 3))


@pytest.mark.parametrize("reader", [Cursors(b"another"), Cursors()])
def test_only_who_has_the_secret_reads_a_cursor(reader: Cursors):
    with pytest.raises(InvalidValueError, match="cursor"):
        reader.read(cursors.write(POSITION, "feed"), "feed")


@given(st.integers(0, 10_000), st.characters())
def test_a_cursor_with_a_character_changed_or_of_another_query_is_refused(at: int, character: str):
    cursor = cursors.write(POSITION, "feed")
    at %= len(cursor)
    mangled = cursor[:at] + character + cursor[at + 1 :]
    for text, scope in ((mangled, "feed"), (cursor, "other"), (cursor[:-1], "feed"), (f"{cursor}=", "feed")):
        if (text, scope) != (cursor, "feed"):
            with pytest.raises(InvalidValueError, match="cursor"):
                cursors.read(text, scope)
