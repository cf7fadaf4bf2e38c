"""A setting that cannot be used is named, with what it must be."""

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ORIGIN", "real", "ORIGIN must be one of live, replay, simulated, was 'real'"),
        ("CLOCK", "sun", "CLOCK must be wall or market, was 'sun'"),
        ("SHARD_SYMBOLS", "many", "SHARD_SYMBOLS must be a whole number, was 'many'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_it_must_be(name: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        Settings.from_environment({name: value})
    assert str(refused.value) == expected
