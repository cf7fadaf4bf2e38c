from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.domain.accounts.account import Account, ApiKey, Caller, Scope, Tier
from signalbox.domain.delivery.message import Envelope
from signalbox.domain.delivery.requests import LONGEST, MOST_MESSAGES, MOST_TOPICS
from signalbox.domain.errors import StorageUnavailableError
from signalbox.services.accounts import change_tier, find_key, revoke_key
from signalbox.services.connections import MOST_RESUMED, connect, disconnect
from tests.builders import NOW, make_key, make_message
from tests.fakes.alerts import make_firing
from tests.fakes.delivery import InMemorySubscriptions
from tests.fakes.topics import InMemoryTopics
from tests.unit.services.websocket_house import House, events


@pytest.fixture
def house() -> House:
    opened = House()
    opened.open()
    return opened


def test_a_ping_is_answered(house: House) -> None:
    assert house.say({"action": "ping"}) == [{"type": "pong"}]


def test_who_subscribes_is_told_from_then_on_under_numbers_without_a_gap(house: House) -> None:
    house.tell()
    assert house.say({"action": "subscribe", "topic": "signals"}) == [
        {"type": "subscribed", "topic": "signals", "sequence": 1}
    ]
    house.tell()
    house.tell("signals:premium")
    house.tell()
    assert events(house.board.received["conn"]) == [(2, "delivery-2"), (3, "delivery-4")]


def test_who_unsubscribes_or_disconnects_is_told_no_more(house: House) -> None:
    for end in ("unsubscribe", "disconnect"):
        house.open()
        house.say({"action": "subscribe", "topic": "signals"})
        if end == "unsubscribe":
            house.say({"action": "unsubscribe", "topic": "signals"})
        else:
            disconnect("conn", connections=house.followers)
        house.tell()
    assert events(house.board.received["conn"]) == []


def test_each_tier_and_account_has_a_topic_of_its_own(house: House) -> None:
    house.open("free", Tier.FREE)
    house.say({"action": "subscribe", "topic": "signals"}, "free")
    house.say({"action": "subscribe", "topic": "alerts"}, "free")
    house.tell("signals:premium")
    house.tell("deliveries:acc-2")
    assert events(house.board.received["free"]) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 1000,
        {"action": "dance"},
        {"action": ["ping"]},
        {"action": "subscribe"},
        {"action": "subscribe", "topic": 7},
        {"action": "subscribe", "topic": "signals:premium"},
        {"action": "subscribe", "topic": "alerts:acc-2"},
        {"action": "resume", "topic": "signals", "after": -1},
        {"action": "resume", "topic": "signals", "after": True},
        {"action": "resume", "topic": "signals", "after": "1"},
        {"action": "ping", "padding": "x" * LONGEST},
    ],
)
def test_what_is_not_understood_is_refused_in_one_shape(house: House, body: Any) -> None:
    (answer,) = house.say(body)
    assert set(answer) == {"type", "code", "detail"}
    assert (answer["type"], answer["code"]) == ("error", "invalid_request")
    assert not house.followers.followed


def test_a_connection_may_send_so_many_messages_and_no_more(house: House) -> None:
    answers = [house.say({"action": "ping"})[0]["type"] for _ in range(MOST_MESSAGES + 1)]
    assert answers == ["pong"] * MOST_MESSAGES + ["error"]


def test_a_connection_may_follow_so_many_topics_and_no_more(house: House) -> None:
    house.followers.followed = {(f"topic-{number}", "conn") for number in range(MOST_TOPICS)}
    assert house.say({"action": "subscribe", "topic": "signals"})[0]["code"] == "too_many_topics"


@pytest.mark.parametrize("topic", ["alerts", "deliveries"])
def test_what_is_the_accounts_own_needs_the_scope_that_it_needs_by_rest(house: House, topic: str) -> None:
    house.open("reader", scopes=frozenset({Scope.READ}))
    for action in ("subscribe", "resume"):
        (answer,) = house.say({"action": action, "topic": topic}, "reader")
        assert (answer["type"], answer["code"]) == ("error", "forbidden")
    assert not house.followers.followed
    assert house.say({"action": "subscribe", "topic": "signals"}, "reader")[0]["type"] == "subscribed"
    house.open("owner", scopes=frozenset({Scope.SUBSCRIBE}))
    assert house.say({"action": "subscribe", "topic": topic}, "owner")[0]["type"] == "subscribed"


def enter(house: House, key: ApiKey | None = None, tier: Tier = Tier.PREMIUM) -> bool:
    """Connect as the authorizer let somebody in, up to a minute after it looked."""
    caller = Caller(Account("acc-1", tier), frozenset(Scope), key.key_hash if key else "")
    return connect("late", caller, connections=house.followers, accounts=house.accounts, now=NOW)


def test_who_was_let_in_by_what_is_gone_since_is_not_connected(house: House) -> None:
    key = make_key()
    assert not enter(house, key)
    house.accounts.put_key(key)
    assert enter(house, key)
    revoke_key(key, accounts=house.accounts, connections=house.followers)
    assert "late" not in house.followers.connections
    assert not enter(house, key)
    house.accounts.accounts.clear()
    assert not enter(house)
    assert "late" not in house.followers.connections


def test_who_was_let_in_by_a_former_tier_has_the_one_of_now(house: House) -> None:
    assert enter(house, tier=Tier.PREMIUM)
    assert house.followers.connections["late"].tier is Tier.PRO


def test_a_revoked_key_ends_its_own_connections_and_a_changed_tier_all(house: House) -> None:
    key = make_key()
    house.accounts.put_key(key)
    enter(house, key)
    for name in ("conn", "late"):
        house.say({"action": "subscribe", "topic": "signals"}, name)
    revoke_key(key, accounts=house.accounts, connections=house.followers)
    assert house.followers.followers("signals:pro") == ["conn"]
    account = house.accounts.accounts["acc-1"]
    subscriptions = InMemorySubscriptions()
    for tier, left in ((Tier.PRO, ["conn"]), (Tier.FREE, [])):
        change_tier(account, tier, accounts=house.accounts, subscriptions=subscriptions, connections=house.followers)
        assert house.followers.followers("signals:pro") == left
    assert house.say({"action": "ping"})[0]["code"] == "unknown_connection"


class Failing:
    """Something of the house that fails in one method, so many times."""

    def __init__(self, whole: Any, method: str, times: int = 1) -> None:
        self.whole, self.method, self.times = whole, method, times

    def __getattr__(self, name: str) -> Any:
        if name == self.method and self.times:
            self.times -= 1
            raise StorageUnavailableError("throttled")
        return getattr(self.whole, name)


@pytest.mark.parametrize(
    ("part", "method", "action"),
    [
        ("followers", "count_message", "ping"),
        ("followers", "follow", "subscribe"),
        ("topics", "last", "subscribe"),
        ("topics", "after", "resume"),
        ("board", "post", "resume"),
    ],
)
def test_a_fault_of_ours_is_told_and_the_same_request_then_works(
    house: House, part: str, method: str, action: str
) -> None:
    house.tell()
    whole = getattr(house, part)
    setattr(house, part, Failing(whole, method))
    body = {"action": action, "topic": "signals"}
    (answer,) = house.say(body)
    assert (set(answer), answer["type"], answer["code"]) == ({"type", "code", "detail"}, "error", "try_again")
    assert house.say(body)[-1]["type"] == {"ping": "pong", "subscribe": "subscribed", "resume": "resumed"}[action]


def test_a_fault_that_cannot_be_told_either_is_the_gateways_to_tell(house: House) -> None:
    house.board = Failing(house.board, "post", times=2)
    with pytest.raises(StorageUnavailableError):
        house.say({"action": "ping"})


def test_a_revocation_that_met_a_fault_can_be_made_again(house: House) -> None:
    key = make_key()
    house.accounts.put_key(key)
    assert enter(house, key)
    failing = Failing(house.followers, "remove_of")
    with pytest.raises(StorageUnavailableError):
        revoke_key(key, accounts=house.accounts, connections=failing)
    assert not enter(house, key), "it opens nothing any more"
    found = find_key("acc-1", key.prefix, accounts=house.accounts)
    assert found is not None
    revoke_key(found, accounts=house.accounts, connections=house.followers)
    assert "late" not in house.followers.connections
    assert find_key("acc-1", key.prefix, accounts=house.accounts) is None


def test_a_connection_that_nobody_knows_is_told_to_connect_again(house: House) -> None:
    assert house.say({"action": "ping"}, "stranger")[0]["code"] == "unknown_connection"


def test_a_connection_that_is_gone_is_forgotten_and_the_others_are_told(house: House) -> None:
    names = [f"conn-{number}" for number in range(30)]
    for name in names:
        house.open(name)
        house.say({"action": "subscribe", "topic": "signals"}, name)
    house.board.gone = set(names[::3])
    house.tell()
    assert {name for name in names if events(house.board.received[name])} == set(names) - house.board.gone
    assert house.sender.posted[0].gone == 10
    assert not house.board.gone & {name for _, name in house.followers.followed}


def test_a_message_sent_twice_has_one_number(house: House) -> None:
    envelope = Envelope(make_message(), "signals:pro", "delivery-1")
    assert [house.sender.send_all([envelope]) for _ in range(3)] == [["signals:pro!1"]] * 3


def test_resuming_brings_the_rest_in_parts_and_says_whether_there_is_more(house: House) -> None:
    ids = [house.tell() for _ in range(MOST_RESUMED + 5)]
    first = house.say({"action": "resume", "topic": "signals", "after": 0})
    assert first[-1] == {"type": "resumed", "topic": "signals", "sequence": MOST_RESUMED, "lost": False, "more": True}
    second = house.say({"action": "resume", "topic": "signals", "after": MOST_RESUMED})
    assert (second[-1]["sequence"], second[-1]["more"]) == (MOST_RESUMED + 5, False)
    assert [each for _, each in events(first + second)] == ids


def test_resuming_says_where_the_log_forgot_what_came_next(house: House) -> None:
    class Forgetful(InMemoryTopics):
        def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
            return super().after(topic, max(sequence, 5), limit)

    house.topics = house.sender.log = Forgetful()
    for _ in range(7):
        house.tell()
    answers = house.say({"action": "resume", "topic": "signals", "after": 2})
    assert answers[-1]["lost"]
    assert [number for number, _ in events(answers)] == [6, 7]
    assert not house.say({"action": "resume", "topic": "signals", "after": 5})[-1]["lost"]


def test_nobody_sees_an_open_signal_early_by_resuming_their_alerts(house: House) -> None:
    late = make_firing(signal_id="s", signal_published_at=NOW - timedelta(seconds=59))
    soon = make_firing(signal_id="s", signal_published_at=NOW - timedelta(seconds=60))
    for number, firing in enumerate((soon, late, soon)):
        house.topics.append_once("alerts:acc-1", str(number), firing.to_record(), NOW)
    answers = house.say({"action": "resume", "topic": "alerts", "after": 0})
    assert [event["sequence"] for event in answers[0]["events"]] == [1]
    assert (answers[-1]["sequence"], answers[-1]["more"]) == (1, False)
    assert house.say({"action": "subscribe", "topic": "alerts"})[-1]["sequence"] == 1
    house.open("premium", Tier.PREMIUM)
    assert house.say({"action": "subscribe", "topic": "alerts"}, "premium")[-1]["sequence"] == 3


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["tell", "tell", "tell", "die", "return"]), max_size=60))
def test_a_client_that_resumes_has_received_what_was_sent_whenever_it_was_cut_off(acts: list[str]) -> None:
    house, sent, kept, lives = House(), [], {}, 0

    def receive_all(name: str) -> None:
        kept.update(events(house.board.received.get(name, [])))

    def come_back(name: str) -> None:
        house.open(name)
        house.say({"action": "subscribe", "topic": "signals"}, name)
        receive_all(name)
        house.say({"action": "resume", "topic": "signals", "after": longest_run(set(kept))}, name)
        receive_all(name)

    come_back("life-0")
    for act in acts:
        if act == "tell":
            sent.append(house.tell())
            receive_all(f"life-{lives}")
        elif act == "die":
            house.board.gone.add(f"life-{lives}")
        elif f"life-{lives}" in house.board.gone:
            lives += 1
            come_back(f"life-{lives}")
    lives += 1
    come_back(f"life-{lives}")
    assert [kept[number] for number in sorted(kept)] == sent
    assert sorted(kept) == list(range(1, len(sent) + 1))


def longest_run(numbers: set[int]) -> int:
    """Return the last number up to which nothing is missing."""
    last = 0
    while last + 1 in numbers:
        last += 1
    return last
