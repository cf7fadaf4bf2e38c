"""Feeds and the index over HTTP: conditional, impatient, and losing nothing of what can be read."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from signalbox.adapters.news import http
from signalbox.adapters.news.fear_greed import AlternativeMe
from signalbox.adapters.news.rss import RssFeed, parse
from signalbox.domain.errors import FeedUnavailableError, FeedUnreadableError
from signalbox.domain.instants import from_iso
from signalbox.domain.sentiment.feeds import Feed
from signalbox.ports.sentiment import FeedState

RSS = b"""<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Wire</title>
<item><title>Bitcoin &amp;amp; Ether <![CDATA[<b>rally</b>]]></title><link>https://a.example/1</link><guid>g-1</guid>
<pubDate>Fri, 05 Jan 2024 14:30:00 +0200</pubDate></item>
<item><title>No date, no guid</title><link>https://a.example/2</link></item></channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Daily</title>
<entry><title>Ether slides</title><id>tag:1</id><link href="https://b.example/1"/>
<updated>2024-01-05T12:30:00Z</updated></entry></feed>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>
<rss version="2.0"><channel><item><title>&b;</title></item></channel></rss>"""


@dataclass
class Site:
    """What the stub answers, and the headers it was asked with."""

    url: str = ""
    status: int = 200
    body: bytes = RSS
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    told = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            unchanged = told.headers.get("ETag") and self.headers.get("If-None-Match") == told.headers["ETag"]
            body = b"" if unchanged else told.body
            self.send_response(304 if unchanged else told.status)
            for name, value in {**told.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/feed"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()
    http._pool().clear()
    http._pool.cache_clear()


def feed(site: Site) -> RssFeed:
    return RssFeed(Feed("wire", site.url, 0.5))


def test_rss_items_are_read_with_their_markup_gone_and_their_times_in_utc(site: Site) -> None:
    first, second = feed(site).read(None).items
    assert (first.source, first.title, first.guid) == ("wire", "Bitcoin & Ether rally", "g-1")
    assert first.published_at == from_iso("2024-01-05T12:30:00Z")
    assert (second.guid, second.published_at) == ("https://a.example/2", None)


def test_atom_is_read_alike() -> None:
    (item,), flaw = parse(ATOM, "daily")
    assert (item.title, item.guid, item.url, flaw) == ("Ether slides", "tag:1", "https://b.example/1", "")
    assert item.published_at == from_iso("2024-01-05T12:30:00Z")


def test_a_feed_that_has_not_changed_is_not_sent_again(site: Site) -> None:
    site.headers = {"ETag": '"v1"', "Last-Modified": "Fri, 05 Jan 2024 12:00:00 GMT"}
    first = feed(site).read(None)
    assert first.state == FeedState('"v1"', "Fri, 05 Jan 2024 12:00:00 GMT")
    again = feed(site).read(first.state)
    assert (list(again.items), again.state) == ([], first.state)
    assert site.asked[1]["if-none-match"] == '"v1"'
    assert site.asked[1]["if-modified-since"] == "Fri, 05 Jan 2024 12:00:00 GMT"


def test_of_a_feed_that_breaks_off_nothing_readable_is_lost_and_all_is_asked_again(site: Site) -> None:
    site.body, site.headers = RSS[: RSS.index(b"</item>", RSS.index(b"No date"))], {"ETag": '"v1"'}
    reading = feed(site).read(None)
    assert [item.title for item in reading.items] == ["Bitcoin & Ether rally", "No date, no guid"]
    assert reading.state is None
    assert reading.flaw


def test_items_without_a_title_are_told_of(site: Site) -> None:
    site.body = RSS.replace(b"No date, no guid", b" ")
    reading = feed(site).read(None)
    assert (len(reading.items), reading.state) == (1, None)
    assert "1 of 2 items have no title" in reading.flaw


def test_a_feed_without_news_is_no_flaw() -> None:
    assert parse(b'<rss version="2.0"><channel><title>Wire</title></channel></rss>', "wire") == ([], "")


@pytest.mark.parametrize("body", [b"<html><body>Sorry</body></html>", b"not a feed", b"", b"\x00\xff\xfe", b'{"a": 1}'])
def test_what_is_no_feed_is_refused_with_its_beginning(body: bytes) -> None:
    with pytest.raises(FeedUnreadableError, match="wire must send an RSS or Atom feed, sent b"):
        parse(body, "wire")


def test_a_feed_that_declares_entities_is_refused_unread() -> None:
    with pytest.raises(FeedUnreadableError, match="must not declare entities"):
        parse(BOMB, "wire")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_site_in_trouble_may_be_asked_again(site: Site, status: int) -> None:
    site.status = status
    with pytest.raises(FeedUnavailableError, match=f"must answer 200, answered {status}"):
        feed(site).read(None)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_that_refuses_is_told_of(site: Site, status: int) -> None:
    site.status = status
    with pytest.raises(FeedUnreadableError, match=f"must answer 200, answered {status}"):
        feed(site).read(None)


def test_a_site_that_is_not_there_may_be_asked_again() -> None:
    with pytest.raises(FeedUnavailableError, match="did not"):
        RssFeed(Feed("wire", "http://127.0.0.1:1/feed")).read(None)


def test_a_site_that_sends_without_end_is_cut_off(site: Site) -> None:
    site.body = b"x" * (http.MOST_BYTES + 10)
    with pytest.raises(FeedUnreadableError, match="must send at most 5000000 bytes"):
        feed(site).read(None)


def test_the_index_is_read_oldest_first_without_days_to_come(site: Site) -> None:
    days = {"2024-01-05": "70", "2024-01-04": "68", "2024-01-06": "99"}
    records = [
        {"value": value, "value_classification": "Greed", "timestamp": str(int(from_iso(f"{day}T00:00Z").timestamp()))}
        for day, value in days.items()
    ]
    site.body = json.dumps({"data": records}).encode()
    now = from_iso("2024-01-05T13:00:00Z")
    assert [(each.value, each.known_at) for each in AlternativeMe(site.url).read(now)] == [(68, now), (70, now)]
    assert site.asked[0]["path"] == "/feed?limit=2"


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"<html>", b'{"data": [{"value": "x"}]}', b'{"data": [{"value": "140"}]}']
)
def test_an_index_that_cannot_be_read_is_told_of(site: Site, body: bytes) -> None:
    site.body = body
    with pytest.raises(FeedUnreadableError, match="must send data"):
        AlternativeMe(site.url).read(from_iso("2024-01-05T13:00:00Z"))


@pytest.mark.data
def test_the_recorded_desk_is_read_by_the_real_adapters() -> None:
    import os

    from infra.local.exchange.server import LocalExchange
    from signalbox.domain.instants import to_ms

    if "SIGNALBOX_DATA" not in os.environ:
        pytest.skip("SIGNALBOX_DATA names no folder of real headlines")
    now = from_iso("2022-02-01T12:00:00Z")
    with LocalExchange("simulated", now=to_ms(now), news_folder=str(Path(os.environ["SIGNALBOX_DATA"]))) as exchange:
        reading = RssFeed(Feed("cointelegraph", f"{exchange.url}/news/cointelegraph.rss")).read(None)
        (index, _) = AlternativeMe(f"{exchange.url}/news/fear-greed").read(now)
    assert len(reading.items) == 60
    assert not reading.flaw
    assert all(item.published_at and item.published_at <= now for item in reading.items)
    assert index.time == from_iso("2022-01-31T00:00:00Z")
