"""Topics and who follows them: the fakes and DynamoDB must agree."""

from dataclasses import replace
from datetime import timedelta

from signalbox.adapters.storage.connections import WINDOW, DynamoConnectionRepository
from signalbox.adapters.storage.topic_log import DynamoTopicLog
from signalbox.domain.accounts.account import Scope
from signalbox.ports.topics import FollowerRepository, TopicWriter
from tests.builders import NOW, make_connection
from tests.contracts.implementations import either
from tests.fakes.topics import InMemoryFollowers, InMemoryTopics

followers = either(InMemoryFollowers, DynamoConnectionRepository)
topics = either(InMemoryTopics, DynamoTopicLog)


def test_entries_are_numbered_from_one_in_each_topic(topics: TopicWriter) -> None:
    assert topics.last("signals:pro") == 0
    assert [topics.append_once("signals:pro", f"event-{n}", {"n": n}, NOW) for n in range(3)] == [1, 2, 3]
    assert topics.append_once("signals:free", "event-0", {"n": 0}, NOW) == 1
    assert topics.last("signals:pro") == 3
    assert topics.after("signals:pro", 1, 10) == [(2, {"n": 1}), (3, {"n": 2})]
    assert topics.after("signals:pro", 0, 2) == [(1, {"n": 0}), (2, {"n": 1})]
    assert topics.after("signals:pro", 3, 2) == []


def test_an_event_told_twice_keeps_its_number(topics: TopicWriter) -> None:
    topics.append_once("t", "one", {"said": "first"}, NOW)
    topics.append_once("t", "two", {}, NOW)
    assert topics.append_once("t", "one", {"said": "again"}, NOW + timedelta(hours=1)) == 1
    assert topics.after("t", 0, 10) == [(1, {"said": "first"}), (2, {})]


def test_a_topic_is_forgotten_with_its_count_and_the_others_stay(topics: TopicWriter) -> None:
    for number in range(30):
        topics.append_once("alerts:acc-1", f"event-{number}", {"note": "sell"}, NOW)
    topics.append_once("alerts:acc-2", "event-0", {"note": "keep"}, NOW)
    for _ in range(2):
        topics.forget("alerts:acc-1")
    assert (topics.last("alerts:acc-1"), topics.after("alerts:acc-1", 0, 10)) == (0, [])
    assert topics.after("alerts:acc-2", 0, 10) == [(1, {"note": "keep"})]


def test_a_connection_is_known_until_it_is_removed(followers: FollowerRepository) -> None:
    followers.add(make_connection(), NOW)
    assert followers.count_message("conn-1", NOW) == make_connection(messages=1)
    followers.remove("conn-1")
    followers.remove("conn-1")
    assert followers.count_message("conn-1", NOW) is None


def test_messages_are_counted_by_window(followers: FollowerRepository) -> None:
    followers.add(make_connection(), NOW)
    moments = [NOW, NOW, NOW, NOW + WINDOW, NOW + WINDOW]
    counted = [followers.count_message("conn-1", moment) for moment in moments]
    assert [each and each.messages for each in counted] == [1, 2, 3, 1, 2]


def test_the_followers_of_a_topic_are_found_and_no_others(followers: FollowerRepository) -> None:
    for name in ("conn-1", "conn-2"):
        followers.add(make_connection(name), NOW)
        assert followers.follow(name, "signals:pro", 10, NOW)
    followers.follow("conn-1", "regimes", 10, NOW)
    assert sorted(followers.followers("signals:pro")) == ["conn-1", "conn-2"]
    followers.unfollow("conn-2", "signals:pro")
    followers.unfollow("conn-2", "signals:pro")
    assert followers.followers("signals:pro") == ["conn-1"]
    followers.remove("conn-1")
    assert followers.followers("signals:pro") == followers.followers("regimes") == []


def test_the_followers_of_a_group_of_topics_are_found_together(followers: FollowerRepository) -> None:
    for name, topics in (("conn-1", ("prices:A/USDT", "prices:B/USDT")), ("conn-2", ("prices:B/USDT",))):
        followers.add(make_connection(name), NOW)
        for topic in topics:
            assert followers.follow(name, topic, 10, NOW, "prices#0")
    followers.follow("conn-2", "prices:C/USDT", 10, NOW, "prices#1")
    followers.unfollow("conn-1", "prices:A/USDT")
    assert sorted(followers.following("prices#0")) == [("prices:B/USDT", "conn-1"), ("prices:B/USDT", "conn-2")]
    followers.remove("conn-2")
    assert followers.following("prices#0") == [("prices:B/USDT", "conn-1")]
    assert followers.following("prices#1") == followers.followers("prices:B/USDT") == []


def test_a_connection_follows_so_many_topics_and_no_more(followers: FollowerRepository) -> None:
    followers.add(make_connection(), NOW)
    assert followers.follow("conn-1", "a", 2, NOW)
    assert followers.follow("conn-1", "b", 2, NOW)
    assert followers.follow("conn-1", "b", 2, NOW)
    assert not followers.follow("conn-1", "c", 2, NOW)
    assert followers.followers("c") == []


def test_a_connection_keeps_what_it_came_with(followers: FollowerRepository) -> None:
    opened = make_connection(scopes=frozenset({Scope.READ}), key_hash="ab" * 32)
    followers.add(opened, NOW)
    assert followers.count_message("conn-1", NOW) == replace(opened, messages=1)


def test_the_connections_of_an_account_or_of_a_key_are_removed_and_no_others(followers: FollowerRepository) -> None:
    for name, account_id, key_hash in (
        ("a", "acc-1", "k1"),
        ("b", "acc-1", "k2"),
        ("c", "acc-1", ""),
        ("d", "acc-2", "k1"),
    ):
        followers.add(make_connection(name, account_id=account_id, key_hash=key_hash), NOW)
        assert followers.follow(name, "regimes", 10, NOW)
    followers.remove_of("acc-1", "k1")
    assert sorted(followers.followers("regimes")) == ["b", "c", "d"]
    for _ in range(2):
        followers.remove_of("acc-1")
    assert followers.followers("regimes") == ["d"]
    assert [followers.count_message(name, NOW) is None for name in "abcd"] == [True, True, True, False]


def test_a_connection_that_was_removed_follows_nothing_any_more(followers: FollowerRepository) -> None:
    followers.add(make_connection(), NOW)
    followers.remove("conn-1")
    assert not followers.follow("conn-1", "regimes", 10, NOW)
    assert followers.followers("regimes") == []
