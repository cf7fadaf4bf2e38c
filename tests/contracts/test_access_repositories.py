"""One-time tokens, quotas, and what accounts and subscriptions are asked for by their owners."""

from dataclasses import replace
from datetime import time, timedelta

from signalbox.adapters.storage.accounts import DynamoAccountRepository
from signalbox.adapters.storage.deliveries import DynamoDeliveryRepository
from signalbox.adapters.storage.quotas import DynamoQuotaRepository
from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository
from signalbox.adapters.storage.tokens import DynamoOneTimeTokenRepository
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.accounts.tokens import OneTimeToken, Purpose
from signalbox.domain.delivery.delivery import NO_RECIPIENT, DeliveryState
from signalbox.domain.delivery.planning import due_partition
from signalbox.domain.delivery.timing import Digest, QuietHours
from signalbox.ports.access import OneTimeTokenRepository, QuotaRepository
from signalbox.ports.delivery import AccountRepository, DeliveryRepository, SubscriptionRepository
from tests.builders import NOW, make_account, make_delivery, make_key, make_subscription
from tests.contracts.implementations import either
from tests.fakes.access import InMemoryQuotas, InMemoryTokens
from tests.fakes.delivery import InMemoryAccounts, InMemoryDeliveries, InMemorySubscriptions

tokens = either(InMemoryTokens, DynamoOneTimeTokenRepository)
quotas = either(InMemoryQuotas, DynamoQuotaRepository)
accounts = either(InMemoryAccounts, DynamoAccountRepository)
subscriptions = either(InMemorySubscriptions, DynamoSubscriptionRepository)
deliveries = either(InMemoryDeliveries, DynamoDeliveryRepository)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TOKEN = OneTimeToken(
    token_hash="ab" * 32, purpose=Purpose.SIGN_IN, account_id="", subject="ada@example.com", expires_at=NOW + MINUTE
)
WAITING = make_delivery(due_at=NOW, wait="digest", subscription_id="sub-1", quality_score=70.25)
PARTITION = due_partition(WAITING.account_id)


def test_a_token_is_taken_by_one_caller_only(tokens: OneTimeTokenRepository):
    assert tokens.add(TOKEN) is True
    assert tokens.add(TOKEN) is False
    assert tokens.take(TOKEN.token_hash, Purpose.SIGN_IN, NOW) == TOKEN
    assert tokens.take(TOKEN.token_hash, Purpose.SIGN_IN, NOW) is None


def test_a_token_is_for_its_purpose_and_its_time(tokens: OneTimeTokenRepository):
    tokens.add(TOKEN)

    assert tokens.take(TOKEN.token_hash, Purpose.CONFIRM_EMAIL, NOW) is None
    assert tokens.take(TOKEN.token_hash, Purpose.SIGN_IN, NOW + MINUTE) is None
    assert tokens.take("00" * 32, Purpose.SIGN_IN, NOW) is None
    assert tokens.take(TOKEN.token_hash, Purpose.SIGN_IN, NOW) == TOKEN


def test_an_hour_and_a_day_are_used_up_apart(quotas: QuotaRepository):
    def count(later: timedelta):
        return quotas.count("acc", per_hour=2, per_day=3, now=NOW + later)

    assert count(MINUTE) is None
    assert count(MINUTE) is None
    assert count(2 * MINUTE) == NOW + HOUR
    assert count(HOUR) is None
    assert count(HOUR) == NOW.replace(hour=0) + timedelta(days=1)
    assert count(timedelta(days=1)) is None
    assert quotas.used_today("acc", NOW) == 3
    assert quotas.used_today("acc", NOW + timedelta(days=1)) == 1
    assert quotas.count("other", per_hour=2, per_day=3, now=NOW) is None


def test_a_slot_is_kept_by_who_has_it(quotas: QuotaRepository):
    def take(item: str) -> bool:
        return quotas.take_slot("budget", item, limit=2, until=NOW + HOUR)

    assert [take("a"), take("a"), take("b"), take("c"), take("a")] == [True, True, True, False, True]


def test_a_key_keeps_what_it_is_for_and_is_listed_until_it_is_removed(accounts: AccountRepository):
    key = make_key(
        scopes=frozenset({Scope.READ}), label="laptop", created_at=NOW, expires_at=NOW + HOUR, prefix="sbx_b"
    )
    other = make_key(key_hash="cd" * 32, prefix="sbx_a")
    for each in (key, other, make_key(key_hash="ef" * 32, account_id="acc-2")):
        accounts.put_key(each)

    assert accounts.keys_of("acc-1") == [other, key]
    accounts.remove_key(other.key_hash)
    accounts.remove_key(other.key_hash)
    assert accounts.keys_of("acc-1") == [key]


def test_an_address_belongs_to_the_first_account_until_that_is_removed(accounts: AccountRepository):
    account = make_account()

    assert accounts.claim_email(account.email, account.account_id) == account.account_id
    assert accounts.claim_email(account.email, "acc-2") == account.account_id
    accounts.put_account(account)
    accounts.remove_account(account)
    accounts.remove_account(account)
    assert accounts.account(account.account_id) is None
    assert accounts.claim_email(account.email, "acc-2") == "acc-2"


def test_the_claim_of_an_address_is_no_account(accounts: AccountRepository):
    from signalbox.domain.accounts.tokens import hash_text

    accounts.claim_email("ada@example.com", "acc-1")
    assert accounts.account(f"email#{hash_text('ada@example.com')}") is None


def test_a_subscription_is_its_accounts_alone(subscriptions: SubscriptionRepository):
    whole = make_subscription(
        symbols=frozenset({"BTC/USDT"}),
        minimum_confidence=0.55,
        confirmed=False,
        digest=Digest.DAILY,
        time_zone="Europe/Berlin",
        quiet=QuietHours(time(22), time(6, 30)),
        daily_budget=5,
        name="Mornings",
    )
    subscriptions.put(whole)
    subscriptions.put(make_subscription(subscription_id="sub-2", account_id="acc-2"))

    assert subscriptions.of_account("acc-1") == [whole]
    assert subscriptions.one("acc-1", "sub-1") == subscriptions.matching("BTC/USDT")[0] == whole
    assert subscriptions.one("acc-2", "sub-1") is None
    assert subscriptions.remove("acc-2", "sub-1") is False
    assert subscriptions.remove("acc-1", "sub-1") is True
    assert subscriptions.remove("acc-1", "sub-1") is False
    assert [each.subscription_id for each in subscriptions.matching("BTC/USDT")] == ["sub-2"]
    assert subscriptions.of_account("acc-1") == []


def test_what_waits_is_due_at_its_moment_and_not_before(deliveries: DeliveryRepository):
    later = make_delivery(event_id="x!published!0", due_at=NOW + MINUTE, wait="quiet")
    for each in (later, WAITING, make_delivery(event_id="y!published!0")):
        deliveries.add(each)

    assert deliveries.due(PARTITION, NOW - timedelta(milliseconds=1), 10) == []
    assert deliveries.due(PARTITION, NOW, 10) == [WAITING]
    assert deliveries.due(PARTITION, NOW + MINUTE, 10) == [WAITING, later]
    assert deliveries.due(PARTITION, NOW + MINUTE, 1) == [WAITING]
    assert deliveries.due("none", NOW + MINUTE, 10) == []


def test_a_delivery_is_released_once(deliveries: DeliveryRepository):
    deliveries.add(WAITING)

    assert deliveries.release(WAITING) is True
    assert deliveries.release(WAITING) is False
    assert deliveries.due(PARTITION, NOW, 10) == []
    assert deliveries.one(WAITING.signal_id, WAITING.delivery_id) == replace(WAITING, due_at=None)


def test_what_was_planned_anew_is_not_released_by_who_knew_the_old_moment(deliveries: DeliveryRepository):
    deliveries.add(WAITING)
    planned = replace(WAITING, subscription_id="sub-2", recipient="new@example.com", due_at=NOW + HOUR, wait="digest")

    assert deliveries.replan(WAITING, planned) is True
    assert deliveries.replan(WAITING, replace(planned, due_at=NOW + 2 * HOUR)) is False
    assert deliveries.release(WAITING) is False
    assert deliveries.due(PARTITION, NOW + HOUR, 10) == [planned]


def test_what_is_being_sent_is_not_planned_anew(deliveries: DeliveryRepository):
    deliveries.add(WAITING)
    deliveries.claim(WAITING.signal_id, WAITING.delivery_id, NOW)

    assert deliveries.replan(WAITING, replace(WAITING, recipient="new@example.com")) is False
    stored = deliveries.one(WAITING.signal_id, WAITING.delivery_id)
    assert stored is not None
    assert stored.recipient == WAITING.recipient


def test_mail_is_switched_off_and_on_for_an_account_that_is_there(accounts: AccountRepository):
    accounts.put_account(Account("acc-1", Tier.PRO, "ada@example.com"))
    for off in (True, False):
        accounts.switch_mail("acc-1", off=off)
        assert accounts.account("acc-1") == Account("acc-1", Tier.PRO, "ada@example.com", mail_off=off)
    accounts.switch_mail("acc-2", off=True)
    assert accounts.account("acc-2") is None


def test_a_recipient_is_forgotten_and_what_was_queued_is_not_sent(deliveries: DeliveryRepository):
    sent, other = make_delivery(event_id="x!ended!1"), make_delivery(account_id="acc-2")
    for each in (WAITING, sent, other):
        deliveries.add(each)
    claimed = deliveries.claim(sent.signal_id, sent.delivery_id, NOW)
    deliveries.finish(claimed, DeliveryState.ACCEPTED, NOW, service_id="m-1", reason="ada@example.com is full")

    assert deliveries.forget_recipient("acc-1", 1) == 1
    assert deliveries.forget_recipient("acc-1", 10) == 1
    assert deliveries.forget_recipient("acc-1", 10) == 0
    assert deliveries.due(PARTITION, NOW, 10) == []
    found = {each.delivery_id: each for each in deliveries.of_signal(WAITING.signal_id)}
    assert found[WAITING.delivery_id].state is DeliveryState.SUPPRESSED
    assert found[sent.delivery_id].state is DeliveryState.ACCEPTED
    assert {found[each.delivery_id].recipient for each in (WAITING, sent)} == {NO_RECIPIENT}
    assert found[sent.delivery_id].reason is None
    assert found[other.delivery_id] == other
