from pathlib import Path

import pytest

from infra.account import give_account, main
from infra.commands import running_port
from signalbox.domain.accounts.account import ALL_SCOPES, Tier
from signalbox.domain.accounts.tokens import hash_text
from signalbox.domain.errors import InvalidValueError
from tests.builders import NOW, make_subscription
from tests.fakes.delivery import InMemoryAccounts, InMemorySubscriptions
from tests.fakes.topics import InMemoryFollowers


def give(accounts: InMemoryAccounts, subscriptions: InMemorySubscriptions, tier: Tier, email: str | None):
    followers = InMemoryFollowers()
    return give_account(tier, email, accounts=accounts, subscriptions=subscriptions, connections=followers, now=NOW)


def test_an_account_gets_a_key_that_can_do_everything() -> None:
    accounts = InMemoryAccounts()
    made = give(accounts, InMemorySubscriptions(), Tier.PRO, None)
    stored = accounts.key(hash_text(made.text))
    assert (stored.tier, stored.scopes) == (Tier.PRO, ALL_SCOPES)
    assert accounts.account(stored.account_id).tier is Tier.PRO


def test_an_address_keeps_its_account_and_what_it_subscribed_to_when_its_tier_changes() -> None:
    accounts, subscriptions = InMemoryAccounts(), InMemorySubscriptions()
    first = give(accounts, subscriptions, Tier.FREE, "ada@example.com")
    subscriptions.put(make_subscription(account_id=first.key.account_id, tier=Tier.FREE))
    second = give(accounts, subscriptions, Tier.PREMIUM, "ada@example.com")
    assert second.key.account_id == first.key.account_id
    assert subscriptions.of_account(first.key.account_id)[0].tier is Tier.PREMIUM


def test_without_a_running_system_there_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidValueError, match="a local system must be running, none is"):
        running_port(tmp_path)
    with pytest.raises(SystemExit):
        main(["--tier", "gold"])
    assert "invalid choice: 'gold'" in capsys.readouterr().err
