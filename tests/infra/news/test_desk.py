"""The news desk tells nothing before its time, and the same for the same seed."""

import csv
import gzip
import json
import random
from pathlib import Path

import pytest

from infra.local.exchange.candles import DAY, HOUR
from infra.local.exchange.sources import open_market
from infra.local.news.desk import NewsDesk, open_desk
from infra.local.news.parameters import local_news
from infra.local.news.recorded import RecordedArchive
from infra.local.news.simulated import SimulatedArchive
from signalbox.adapters.news.rss import parse
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, to_ms
from signalbox.domain.sentiment.feeds import read_feeds
from signalbox.domain.sentiment.recognition import assets_in
from signalbox.domain.sentiment.titles import similarity, words

NOW = to_ms(from_iso("2024-01-05T13:20:00Z"))


@pytest.fixture(scope="module")
def simulated() -> SimulatedArchive:
    return SimulatedArchive(open_market("simulated", 7), 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Headlines and index values of three days, in the layout of the real files."""
    news = [
        {"date": "2024-01-04 10:00:00", "source": "Daily", "title": "First\\xa0one", "url": "https://a.example/1"},
        {"date": "2024-01-05 13:20:00", "source": "Daily", "title": 'Now & "then" <b>', "url": "https://a.example/2"},
        {"date": "2024-01-05 13:20:01", "source": "Daily", "title": "Too early", "url": "https://a.example/3"},
    ]
    index = [{"date": f"2024-01-0{day}", "value": 20 + day} for day in (4, 5, 6)]
    for name, rows in (("news-2024.csv.gz", news), ("fear-greed-2024.csv.gz", index)):
        with gzip.open(tmp_path / name, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return tmp_path


def test_recorded_headlines_are_told_newest_first_once_their_time_has_come(folder: Path) -> None:
    desk = NewsDesk(RecordedArchive(folder))
    items, flaw = parse(desk.answer("daily.rss", {}, NOW).body, "daily")
    assert ([item.title for item in items], flaw) == (['Now & "then"', "First one"], "")
    assert items[0].published_at == from_iso("2024-01-05T13:20:00Z")


def test_the_recorded_index_is_told_day_by_day_as_the_real_one_spells_it(folder: Path) -> None:
    answer = json.loads(NewsDesk(RecordedArchive(folder)).answer("fear-greed", {"limit": "2"}, NOW).body)
    assert [(each["value"], each["value_classification"]) for each in answer["data"]] == [
        ("25", "Fear"),
        ("24", "Extreme Fear"),
    ]
    assert answer["data"][0]["timestamp"] == "1704412800"


def test_a_folder_without_headlines_is_refused(tmp_path: Path) -> None:
    assert not RecordedArchive.has_files(tmp_path)
    with pytest.raises(InvalidValueError, match="folder must hold news-"):
        RecordedArchive(tmp_path)


def test_what_the_simulated_desk_tells_now_it_still_tells_later(simulated: SimulatedArchive) -> None:
    chance = random.Random(3)
    for _ in range(8):
        then = NOW - chance.randrange(20 * DAY)
        known = {story for source in simulated.sources for story in simulated.stories(source, then, 30)}
        assert all(story.time <= then for story in known)
        later = {story for source in simulated.sources for story in simulated.stories(source, then + HOUR, 400)}
        assert known <= later


def test_the_same_seed_tells_the_same_and_another_does_not(simulated: SimulatedArchive) -> None:
    again, other = (SimulatedArchive(open_market("simulated", seed), seed) for seed in (7, 8))
    told = [list(each.stories("wire", NOW, 20)) for each in (simulated, again, other)]
    assert told[0] == told[1] != told[2]
    assert list(again.index(NOW, 3)) == list(simulated.index(NOW, 3))


def test_simulated_headlines_name_assets_and_follow_their_prices(simulated: SimulatedArchive) -> None:
    stories = [story for source in simulated.sources for story in simulated.stories(source, NOW, 100)]
    assert all(len(assets_in(story.title)) == 1 for story in stories)
    assert len({story.title.split()[0] for story in stories}) > 5


def test_newsrooms_repeat_each_other_in_almost_the_same_words(simulated: SimulatedArchive) -> None:
    wire = [words(story.title) for story in simulated.stories("wire", NOW, 60)]
    daily = [words(story.title) for story in simulated.stories("daily", NOW, 60)]
    assert sum(any(similarity(one, other) >= 0.6 for other in wire) for one in daily) >= 10


def test_a_desk_answers_what_it_has_and_names_it_otherwise(simulated: SimulatedArchive) -> None:
    desk = NewsDesk(simulated)
    refused = desk.answer("weekly.rss", {}, NOW)
    assert refused.status == 404
    assert b"daily.rss, wire.rss, fear-greed" in refused.body
    assert desk.answer("fear-greed", {"limit": "many"}, NOW).status == 400
    assert open_desk(open_market("simulated", 7), 7) is not None


def test_the_parameters_of_a_run_are_feeds_that_the_settings_read() -> None:
    parameters = local_news("http://127.0.0.1:9", ("daily", "wire"))
    assert [feed.source for feed in read_feeds(parameters["SentimentFeeds"])] == ["daily", "wire"]
    assert local_news("http://127.0.0.1:9", ()) == {}
