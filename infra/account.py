"""Make an account, or give one another tier: `python -m infra.account --tier pro [--email ada@example.com]`.

It works through the same storage adapters as the functions. The key is printed once and stored nowhere.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from infra.commands import command_parser, run
from signalbox.domain.accounts.account import ALL_SCOPES, Account, Tier
from signalbox.domain.accounts.texts import checked_email
from signalbox.ports.delivery import AccountRepository, SubscriptionRepository
from signalbox.ports.topics import FollowerRepository
from signalbox.services.accounts import NewKey, change_tier, make_key


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    status = run(_make, _parser().parse_args(arguments))
    if not status:
        sys.stderr.write("The key is shown this once: keep it, and send it as X-Api-Key.\n")
    return status


def _make(options: argparse.Namespace) -> str:
    from signalbox.adapters.storage.accounts import DynamoAccountRepository
    from signalbox.adapters.storage.connections import DynamoConnectionRepository
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    made = give_account(
        Tier(options.tier),
        checked_email(options.email) if options.email else None,
        accounts=DynamoAccountRepository(),
        subscriptions=DynamoSubscriptionRepository(),
        connections=DynamoConnectionRepository(),
        now=datetime.now(UTC),
    )
    return f"account {made.key.account_id}, tier {options.tier}\nkey     {made.text}"


def give_account(  # noqa: PLR0913 - a use case takes its ports one by one, by keyword
    tier: Tier,
    email: str | None,
    *,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    connections: FollowerRepository,
    now: datetime,
) -> NewKey:
    """Return a new key of the account with this address, made if there is none, whose tier is now `tier`."""
    account_id = f"acc_{secrets.token_urlsafe(12)}"
    if email is not None:
        account_id = accounts.claim_email(email, account_id)
    account = accounts.account(account_id) or Account(account_id, tier, email)
    account = change_tier(account, tier, accounts=accounts, subscriptions=subscriptions, connections=connections)
    return make_key(account, scopes=ALL_SCOPES, label="made by an operator", accounts=accounts, now=now)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("account", "Make an account and print its key")
    parser.add_argument("--tier", required=True, choices=[str(tier) for tier in Tier])
    parser.add_argument("--email", default="", help="the address it signs in by; one that has an account keeps it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
