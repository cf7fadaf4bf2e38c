"""What a tier limits stays within it, whoever asks at the same moment: fakes and DynamoDB must agree."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.adapters.storage.accounts import DynamoAccountRepository
from signalbox.adapters.storage.alerts import DynamoAlertRepository
from signalbox.adapters.storage.current_prices import FramedCurrentPrices
from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository
from signalbox.domain.accounts.account import Scope, Tier
from signalbox.domain.accounts.room import SETTLING, Limited, Room
from signalbox.domain.errors import LimitReachedError
from signalbox.ports.delivery import AccountRepository, SubscriptionRepository
from signalbox.services.accounts import make_key, revoke_key
from signalbox.services.manage_alerts import AlertShelf, Watched, make_alert
from signalbox.services.room import take_place
from signalbox.services.sign_in import Letterbox
from signalbox.services.subscriptions import subscribe, unfollow
from tests.builders import NOW, make_account, make_subscription, make_universe
from tests.builders import make_key as built_key
from tests.contracts.implementations import either
from tests.fakes.access import InMemoryQuotas, InMemoryTokens
from tests.fakes.alerts import InMemoryAlerts, make_terms
from tests.fakes.delivery import InMemoryAccounts, InMemorySubscriptions, RecordingSender
from tests.fakes.market import InMemoryPriceFrames
from tests.fakes.topics import InMemoryFollowers
from tests.fakes.work import InMemoryUniverse

ADA = make_account(tier=Tier.FREE)
READ = frozenset({Scope.READ})
LETTERBOX = Letterbox(InMemoryTokens(), InMemoryQuotas(), RecordingSender(), "", "https://api.example")
WORKERS = 6

accounts = either(InMemoryAccounts, DynamoAccountRepository)


@pytest.fixture(params=["fake", "dynamo"])
def shared(request: pytest.FixtureRequest) -> tuple[AccountRepository, SubscriptionRepository]:
    """Repositories that several workers use at once."""
    if request.param == "fake":
        return InMemoryAccounts(), InMemorySubscriptions()
    request.getfixturevalue("one_call_at_a_time")
    return DynamoAccountRepository(), DynamoSubscriptionRepository()


def at_once(ask: Any) -> list[Any]:
    """What came of asking from several workers at the same moment: None where there was no room."""

    def attempt(number: int) -> Any:
        try:
            return ask(number)
        except LimitReachedError:
            return None

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(attempt, range(WORKERS)))


def test_workers_that_ask_at_once_get_as_many_keys_as_the_tier_gives(shared: Any) -> None:
    stored, _ = shared
    made = at_once(lambda _number: make_key(ADA, scopes=READ, accounts=stored, now=NOW))
    assert sum(each is not None for each in made) == len(stored.keys_of(ADA.account_id)) == ADA.tier.terms.keys


def test_workers_that_ask_at_once_get_as_many_subscriptions_as_the_tier_gives(shared: Any) -> None:
    stored, subscriptions = shared

    def ask(number: int) -> Any:
        wanted = make_subscription(subscription_id=f"sub-{number}")
        return subscribe(wanted, ADA, accounts=stored, subscriptions=subscriptions, letterbox=LETTERBOX, now=NOW)

    made = at_once(ask)
    found = subscriptions.of_account(ADA.account_id)
    assert sum(each is not None for each in made) == len(found) == ADA.tier.terms.subscriptions


def test_workers_that_ask_at_once_get_as_many_alerts_as_the_tier_gives(shared: Any) -> None:
    stored, _ = shared
    alerts = InMemoryAlerts() if isinstance(stored, InMemoryAccounts) else DynamoAlertRepository()
    universes = InMemoryUniverse(make_universe())
    watched = Watched(universes, FramedCurrentPrices(universes, InMemoryPriceFrames()), ())

    def ask(number: int) -> Any:
        shelf = AlertShelf(alerts, stored, NOW)
        return make_alert(f"alert-{number}", ADA, make_terms(), shelf=shelf, watched=watched, now=NOW)

    made = at_once(ask)
    found = alerts.of_account(ADA.account_id)
    assert sum(each is not None for each in made) == len(found) == ADA.tier.terms.alerts


def test_what_is_removed_makes_room_at_once(shared: Any) -> None:
    stored, subscriptions = shared

    def ask(number: int) -> Any:
        wanted = make_subscription(subscription_id=f"sub-{number}")
        return subscribe(wanted, ADA, accounts=stored, subscriptions=subscriptions, letterbox=LETTERBOX, now=NOW)

    for number in range(ADA.tier.terms.subscriptions):
        ask(number)
    with pytest.raises(LimitReachedError):
        ask(9)
    assert unfollow(ADA.account_id, "sub-0", accounts=stored, subscriptions=subscriptions)
    assert not unfollow(ADA.account_id, "sub-0", accounts=stored, subscriptions=subscriptions)
    assert ask(9).subscription_id == "sub-9"
    keys = [make_key(ADA, scopes=READ, accounts=stored, now=NOW).key for _ in range(ADA.tier.terms.keys)]
    revoke_key(keys[0], accounts=stored, connections=InMemoryFollowers())
    assert make_key(ADA, scopes=READ, accounts=stored, now=NOW)


def test_a_room_is_changed_by_who_read_it_last(accounts: AccountRepository) -> None:
    first = accounts.room("acc-1", Limited.KEYS)
    assert first == Room()
    assert accounts.keep_room("acc-1", Limited.KEYS, replace(first, taken={"a": NOW})) is True
    assert accounts.keep_room("acc-1", Limited.KEYS, replace(first, taken={"b": NOW})) is False
    assert accounts.room("acc-1", Limited.KEYS) == Room(1, {"a": NOW})
    assert accounts.room("acc-1", Limited.DEVICES) == accounts.room("acc-2", Limited.KEYS) == Room()
    accounts.remove_account(ADA)
    assert accounts.room("acc-1", Limited.KEYS) == Room()
    assert accounts.account("room#acc-1#keys") is None


def test_a_place_that_a_worker_took_and_never_used_is_free_a_minute_later(accounts: AccountRepository) -> None:
    def take(item: str, later: timedelta, *there: str) -> bool:
        now = NOW + later
        return take_place("acc-1", Limited.KEYS, item, most=1, there=lambda: there, accounts=accounts, now=now)

    assert take("lost", timedelta(0))
    assert not take("next", SETTLING - timedelta(seconds=1))
    assert take("next", SETTLING)
    assert not take("other", 2 * SETTLING, "next")


def test_what_was_there_before_places_were_taken_counts(accounts: AccountRepository) -> None:
    for number in range(ADA.tier.terms.keys):
        accounts.put_key(built_key(key_hash=f"{number}" * 64, prefix=f"sbx_{number}"))
    with pytest.raises(LimitReachedError):
        make_key(ADA, scopes=READ, accounts=accounts, now=NOW)
