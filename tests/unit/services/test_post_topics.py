"""Prices and regimes: told to those who follow, brought again under the same numbers to those who were away."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.entries import CyclePrices, TopicEntry, read_entries
from signalbox.domain.delivery.requests import MOST_TOPICS
from signalbox.domain.delivery.topics import price_number
from signalbox.domain.errors import InvalidValueError
from signalbox.services.connections import MOST_PRICES_RESUMED
from signalbox.services.post_topics import PostingReport, post_topics, tell_prices
from tests.builders import NOW, make_frame, make_price
from tests.fakes.work import InMemoryQueue
from tests.unit.services.websocket_house import House

MINUTE = timedelta(minutes=1)
FIRST = price_number(NOW)


class PriceHouse(House):
    """A house whose cycles are stored and told as `reprice_signals` and `post_topics` do."""

    def cycle(self, number: int, bucket: int = 0, *, posted: bool = True, **prices: float) -> PostingReport:
        """Store the frame of the cycle `number` minutes after NOW and, unless its message is lost, tell of it."""
        queue, as_of = InMemoryQueue(), NOW + number * MINUTE
        frame = make_frame(*(make_price(f"{name}/USDT", price) for name, price in prices.items()), as_of=as_of)
        self.frames.save(frame)
        tell_prices(bucket, as_of, frame.prices, queue=queue)
        told = [read_entries(body) for body in queue.bodies] if posted else []
        return post_topics(told, followers=self.followers, poster=self.board)

    def follow(self, *symbols: str, name: str = "conn") -> list[dict[str, Any]]:
        return [self.say({"action": "subscribe", "topic": f"prices:{each}/USDT"}, name)[0] for each in symbols]


@pytest.fixture
def house() -> PriceHouse:
    opened = PriceHouse()
    opened.open()
    return opened


def flat(messages: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    """Topic, number and price of every entry in these messages, batches opened."""
    found = []
    for message in messages:
        for each in message["messages"] if message["type"] == "batch" else [message]:
            found += [(each["topic"], e["sequence"], e["data"]["price"]) for e in each.get("events", ())]
    return found


def test_who_follows_a_symbol_is_told_its_price_each_cycle_under_the_cycles_minute(house: PriceHouse) -> None:
    house.cycle(0, BTC=100.0)
    assert house.follow("BTC") == [{"type": "subscribed", "topic": "prices:BTC/USDT", "sequence": FIRST}]
    report = house.cycle(1, BTC=101.5, ETH=7.0)
    assert (report.cycles, report.posted) == (1, 1)
    (message,) = house.board.received["conn"][1:]
    assert message == {
        "type": "events",
        "topic": "prices:BTC/USDT",
        "events": [
            {
                "sequence": FIRST + 1,
                "data": {
                    "symbol": "BTC/USDT",
                    "price": "101.5",
                    "as_of": "2024-01-05T13:01:00Z",
                    "quoted_at": "2024-01-05T13:00:00Z",
                    "exchanges": ["binance", "kraken"],
                    "low_trust": False,
                },
            }
        ],
    }


def test_who_follows_several_symbols_gets_one_post_for_all_of_them(house: PriceHouse) -> None:
    house.follow("BTC", "ETH")
    report = house.cycle(1, BTC=1.0, ETH=2.0, XRP=3.0)
    assert report.posted == 1
    last = house.board.last("conn")
    assert last["type"] == "batch"
    assert flat([last]) == [("prices:BTC/USDT", FIRST + 1, "1.0"), ("prices:ETH/USDT", FIRST + 1, "2.0")]


def test_a_cycle_that_nobody_follows_costs_one_message_and_one_look_up(house: PriceHouse) -> None:
    asked: list[str] = []
    following = house.followers.following
    house.followers.following = lambda group: asked.append(group) or following(group)  # type: ignore[method-assign]
    assert house.cycle(1, BTC=1.0, ETH=2.0).posted == 0
    assert asked == ["prices#0"]


def test_a_cycle_without_a_price_is_told_to_nobody(house: PriceHouse) -> None:
    queue = InMemoryQueue()
    tell_prices(0, NOW, {}, queue=queue)
    assert queue.bodies == []


def test_resuming_brings_every_price_that_was_missed_and_nothing_else(house: PriceHouse) -> None:
    house.follow("BTC")
    for number in range(1, 6):
        # The third cycle had no price of it, the message of the fourth was lost.
        prices = {"ETH": 9.0} if number == 3 else {"BTC": float(number)}
        house.cycle(number, posted=number != 4, **prices)
    live = [number for _, number, _ in flat(house.board.received["conn"])]
    assert live == [FIRST + 1, FIRST + 2, FIRST + 5]
    answers = house.say({"action": "resume", "topic": "prices:BTC/USDT", "after": FIRST + 2})
    assert flat(answers) == [("prices:BTC/USDT", FIRST + 4, "4.0"), ("prices:BTC/USDT", FIRST + 5, "5.0")]
    assert answers[-1] == {
        "type": "resumed",
        "topic": "prices:BTC/USDT",
        "sequence": FIRST + 5,
        "lost": False,
        "more": False,
    }


def test_a_long_absence_is_resumed_in_parts_and_says_what_is_not_kept_any_more(house: PriceHouse) -> None:
    for number in range(MOST_PRICES_RESUMED + 3):
        house.cycle(number, BTC=float(number + 1))
    first = house.say({"action": "resume", "topic": "prices:BTC/USDT", "after": FIRST - 9})
    assert (first[-1]["lost"], first[-1]["more"]) == (True, True)
    rest = house.say({"action": "resume", "topic": "prices:BTC/USDT", "after": first[-1]["sequence"]})
    assert (rest[-1]["lost"], rest[-1]["more"]) == (False, False)
    numbers = [number for _, number, _ in flat(first + rest)]
    assert numbers == list(range(FIRST, FIRST + MOST_PRICES_RESUMED + 3))


@pytest.mark.parametrize("symbol", ["DOGE/USDT", "BTC", "*", "BTC/USDT,ETH/USDT", "<b>", "a" * 500])
def test_prices_of_what_is_not_watched_cannot_be_followed(house: PriceHouse, symbol: str) -> None:
    (answer,) = house.say({"action": "subscribe", "topic": f"prices:{symbol}"})
    assert (answer["type"], answer["code"]) == ("error", "invalid_request")
    assert not house.followers.followed


def test_price_topics_count_against_what_a_connection_may_follow(house: PriceHouse) -> None:
    house.followers.followed = {(f"topic-{number}", "conn") for number in range(MOST_TOPICS)}
    assert house.follow("BTC")[0]["code"] == "too_many_topics"


def test_a_follower_of_prices_that_is_gone_is_forgotten(house: PriceHouse) -> None:
    house.follow("BTC")
    house.board.gone = {"conn"}
    assert house.cycle(1, BTC=1.0).gone == 1
    assert house.cycle(2, BTC=1.0) == PostingReport(entries=0, cycles=1, posted=0, gone=0, missed=0)


def test_a_change_of_regime_is_told_to_every_tier_in_the_order_of_its_numbers(house: PriceHouse) -> None:
    house.open("free", Tier.FREE)
    for name in ("conn", "free"):
        house.say({"action": "subscribe", "topic": "regimes"}, name)
    records: list[Mapping[str, Any]] = [{"symbol": "BTC/USDT", "regime": f"UP/{n}"} for n in range(3)]
    entries = [
        TopicEntry("regimes", house.topics.append_once("regimes", str(n), record, NOW), record)
        for n, record in enumerate(records)
    ]
    told = [read_entries(each.to_message()) for each in reversed(entries)]
    assert post_topics(told, followers=house.followers, poster=house.board).posted == 2
    for name in ("conn", "free"):
        (live,) = house.board.received[name][1:]
        assert [each["sequence"] for each in live["events"]] == [1, 2, 3]
        (again, end) = house.say({"action": "resume", "topic": "regimes", "after": 0}, name)
        assert (again, end["sequence"]) == (live, 3)


@pytest.mark.parametrize("body", [{}, {"kind": "other"}, {"kind": "prices"}, {"kind": "topic_entry", "topic": "x"}])
def test_a_message_of_something_else_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match="message must"):
        read_entries(body)


def test_a_cycle_reads_back_from_its_message() -> None:
    cycle = CyclePrices.of(3, NOW, {"BTC/USDT": make_price()})
    assert read_entries(cycle.to_message()) == cycle
