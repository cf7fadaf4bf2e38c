import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.sentiment.fear_greed import FearGreed
from signalbox.domain.sentiment.feeds import Feed, read_feeds
from tests.builders import NOW


def test_feeds_are_listed_with_a_name_an_address_and_perhaps_a_weight():
    assert read_feeds("wire=https://a.example/rss?x=1, daily:0.5=http://b.example/feed") == (
        Feed("wire", "https://a.example/rss?x=1"),
        Feed("daily", "http://b.example/feed", 0.5),
    )


def test_no_feed_is_configured_by_nothing_and_a_list_by_default():
    assert read_feeds("") == ()
    assert len(read_feeds("default")) >= 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://a.example/rss", "feed must be name=url"),
        ("wire=file:///etc/passwd", "feed must be name=url"),
        ("Wire=https://a.example", "feed must be name=url"),
        ("wire:2=https://a.example", r"weight of feed wire must be in \(0, 1\], was 2.0"),
        ("wire:0=https://a.example", r"weight of feed wire must be in \(0, 1\], was 0.0"),
        ("wire:1.0.0=https://a.example", "must be a number"),
        ("a=https://a.example,a=https://b.example", "feeds must have different names, a was given 2 times"),
    ],
)
def test_a_feed_spelled_otherwise_is_refused(text, message):
    with pytest.raises(InvalidValueError, match=message):
        read_feeds(text)


@pytest.mark.parametrize("value", [-1, 101])
def test_an_index_out_of_bounds_is_refused(value):
    with pytest.raises(InvalidValueError, match=f"must be in 0..100, was {value}"):
        FearGreed(value, "Fear", NOW, NOW)
