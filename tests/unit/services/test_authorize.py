from datetime import timedelta

import pytest

from signalbox.domain.accounts.account import NOBODY, Scope, Tier
from signalbox.domain.accounts.memory import MOST_REMEMBERED, REVOCATION_BOUND, Memory
from signalbox.domain.accounts.tokens import SESSION_LIFE, WEBSOCKET_LIFE, Audience, SignedToken, sign
from signalbox.services.accounts import KEY_OVERLAP, change_tier, erase, find_key, make_key, rotate_key, websocket_token
from signalbox.services.authorize import Authorizer
from tests.builders import NOW, make_account, make_connection, make_delivery, make_subscription
from tests.fakes.access import InMemoryTokens
from tests.fakes.alerts import InMemoryAlerts, make_alert
from tests.fakes.delivery import InMemoryAccounts, InMemoryDeliveries, InMemorySubscriptions
from tests.fakes.devices import InMemoryDevices
from tests.fakes.topics import InMemoryFollowers, InMemoryTopics

SECRET = b"a secret of this test"
MINUTE = timedelta(minutes=1)
ADA = make_account()


class Gate:
    """An authorizer on fakes, with one account and one key that may read and subscribe."""

    def __init__(self) -> None:
        self.accounts = InMemoryAccounts()
        self.accounts.put_account(ADA)
        self.authorizer = Authorizer(self.accounts, InMemoryTokens(), SECRET, Memory(), Memory())
        scopes = frozenset({Scope.READ, Scope.SUBSCRIBE})
        self.made = make_key(ADA, scopes=scopes, accounts=self.accounts, now=NOW)
        self.key = self.made.text

    def rest(self, credential: str | None, later: timedelta = timedelta(0)):
        return self.authorizer.rest(credential, NOW + later)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def session(**overrides) -> str:
    values = {
        "audience": Audience.SESSION,
        "account_id": ADA.account_id,
        "token_id": "t-1",
        "expires_at": NOW + SESSION_LIFE,
        "scopes": frozenset(Scope),
    }
    return sign(SignedToken(**values | overrides), SECRET)


def test_who_brings_nothing_is_nobody_in_particular(gate: Gate) -> None:
    assert gate.rest(None) == gate.rest("") == NOBODY
    assert gate.authorizer.websocket(None, NOW) is None


def test_a_key_is_its_account_with_the_keys_scopes(gate: Gate) -> None:
    found = gate.rest(gate.key)
    assert (found.account, found.scopes) == (ADA, {Scope.READ, Scope.SUBSCRIBE})


def test_a_key_is_stored_as_a_hash_and_recognized_by_its_prefix(gate: Gate) -> None:
    assert gate.key.startswith(gate.made.key.prefix + "_")
    assert gate.key not in repr(gate.accounts.keys)
    assert gate.key.removeprefix(gate.made.key.prefix + "_") not in repr(gate.accounts.keys)


@pytest.mark.parametrize("credential", ["nobodys", "sbx_00000000_x", "sbt_", "sbt_a.b", "sbx_\ud800", "é" * 3000])
def test_what_is_no_key_is_refused(gate: Gate, credential: str) -> None:
    assert gate.rest(credential) is None
    assert gate.authorizer.websocket(credential, NOW) is None


def test_a_revoked_key_opens_nothing_after_the_stated_bound_however_often_it_is_used(gate: Gate) -> None:
    assert gate.rest(gate.key) is not None
    gate.accounts.remove_key(gate.made.key.key_hash)
    steps = [timedelta(seconds=second) for second in range(0, 60, 7)]
    assert all(gate.rest(gate.key, step) for step in steps), "remembered, as documented"
    assert REVOCATION_BOUND.total_seconds() <= 60
    assert gate.rest(gate.key, REVOCATION_BOUND) is None


def test_a_key_that_expires_is_refused_at_that_moment_remembered_or_not(gate: Gate) -> None:
    made = make_key(ADA, scopes=frozenset({Scope.READ}), expires_at=NOW + MINUTE / 2, accounts=gate.accounts, now=NOW)
    assert gate.rest(made.text) is not None
    assert gate.rest(made.text, MINUTE / 2) is None


def test_a_changed_tier_counts_within_the_bound_and_for_subscriptions_at_once(gate: Gate) -> None:
    subscriptions = InMemorySubscriptions(make_subscription())
    gate.rest(gate.key)
    change_tier(ADA, Tier.PREMIUM, accounts=gate.accounts, subscriptions=subscriptions, connections=InMemoryFollowers())
    assert gate.rest(gate.key, REVOCATION_BOUND).account.tier is Tier.PREMIUM
    assert subscriptions.of_account(ADA.account_id)[0].tier is Tier.PREMIUM


def test_a_session_is_good_until_it_is_over_and_by_rest_only(gate: Gate) -> None:
    assert gate.rest(session()).account == ADA
    assert gate.rest(session(), SESSION_LIFE) is None
    assert gate.authorizer.websocket(session(), NOW) is None
    assert gate.rest(session(account_id="acc-gone")) is None


def test_a_websocket_token_opens_one_connection(gate: Gate) -> None:
    text, expires_at = websocket_token(ADA, frozenset({Scope.READ}), secret=SECRET, now=NOW)
    assert expires_at == NOW + WEBSOCKET_LIFE
    assert gate.rest(text) is None
    assert gate.authorizer.websocket(text, NOW).account == ADA
    assert gate.authorizer.websocket(text, NOW) is None, "replayed"
    again, _ = websocket_token(ADA, frozenset({Scope.READ}), secret=SECRET, now=NOW)
    assert gate.authorizer.websocket(again, NOW + WEBSOCKET_LIFE) is None, "too late"


def test_a_key_that_may_not_read_opens_no_websocket(gate: Gate) -> None:
    made = make_key(ADA, scopes=frozenset({Scope.MANAGE}), accounts=gate.accounts, now=NOW)
    assert gate.authorizer.websocket(made.text, NOW) is None
    assert gate.authorizer.websocket(gate.key, NOW).account == ADA


def test_a_rotated_key_and_its_successor_overlap_for_the_stated_time(gate: Gate) -> None:
    successor = rotate_key(ADA, gate.made.key, accounts=gate.accounts, now=NOW)
    just_before = KEY_OVERLAP - timedelta(seconds=1)
    assert gate.rest(gate.key, just_before).scopes == gate.rest(successor.text, just_before).scopes
    assert gate.rest(gate.key, KEY_OVERLAP) is None
    assert gate.rest(successor.text, KEY_OVERLAP) is not None


def test_rotating_does_not_lengthen_the_life_of_the_old_key(gate: Gate) -> None:
    made = make_key(ADA, scopes=frozenset({Scope.READ}), expires_at=NOW + MINUTE, accounts=gate.accounts, now=NOW)
    successor = rotate_key(ADA, made.key, accounts=gate.accounts, now=NOW + MINUTE / 2)
    assert gate.rest(made.text, MINUTE) is None
    assert successor.key.expires_at == NOW + MINUTE / 2 + MINUTE


def test_a_key_is_found_by_its_own_account_only(gate: Gate) -> None:
    prefix = gate.made.key.prefix
    assert find_key(ADA.account_id, prefix, accounts=gate.accounts) == gate.made.key
    assert find_key("acc-2", prefix, accounts=gate.accounts) is None


def test_an_erased_account_opens_nothing_and_leaves_no_trace_of_a_person(gate: Gate) -> None:
    subscriptions, deliveries, alerts = (
        InMemorySubscriptions(make_subscription()),
        InMemoryDeliveries(),
        InMemoryAlerts(),
    )
    topics, followers = InMemoryTopics(), InMemoryFollowers()
    followers.add(make_connection(account_id=ADA.account_id), NOW)
    for topic in ("alerts", "deliveries"):
        topics.append_once(f"{topic}:{ADA.account_id}", "event", {"note": f"as {ADA.email} said"}, NOW)
    deliveries.add(make_delivery())
    alerts.add(make_alert(account_id=ADA.account_id))
    done = erase(
        ADA,
        accounts=gate.accounts,
        subscriptions=subscriptions,
        deliveries=deliveries,
        alerts=alerts,
        topics=topics,
        connections=followers,
        devices=InMemoryDevices(),
        platform=None,
    )
    assert done is True
    assert alerts.of_account(ADA.account_id) == []
    assert followers.connections == {}
    everything = repr([vars(gate.accounts), vars(subscriptions), vars(deliveries), vars(topics)])
    assert ADA.email not in everything
    assert deliveries.stored, "the record stays"
    assert gate.rest(gate.key, REVOCATION_BOUND) is None
    assert gate.rest(session(), REVOCATION_BOUND) is None


def test_what_is_remembered_is_bounded() -> None:
    memory: Memory[str] = Memory()
    for number in range(MOST_REMEMBERED + 10):
        memory.recall(str(number), NOW, lambda name: name)
    assert len(vars(memory)["_known"]) == MOST_REMEMBERED


def test_absence_is_not_remembered() -> None:
    memory: Memory[str] = Memory()
    assert memory.recall("a", NOW, lambda _name: None) is None
    assert memory.recall("a", NOW, lambda name: name) == "a"
