"""Make an account, or give one another tier: `python -m infra.account --tier pro [--email ada@example.com]`.

It works on the local system that runs now, or with `--cloud aws` on the stack in the AWS account that the usual
credentials lead to, through the same storage adapters as the functions. The key is printed once and stored nowhere.
"""

import argparse
import os
import re
import secrets
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import STACK
from infra.local.ministack import REGION
from infra.local.run import STATE
from signalbox.domain.accounts.account import ALL_SCOPES, Account, Tier
from signalbox.domain.accounts.texts import checked_email
from signalbox.domain.errors import InvalidValueError, SignalboxError
from signalbox.ports.delivery import AccountRepository, SubscriptionRepository
from signalbox.ports.topics import FollowerRepository
from signalbox.services.accounts import NewKey, change_tier, make_key

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.cloud == "local":
            use_local_cloud(running_port(STATE))
        use_tables_of(options.stack)
        from signalbox.adapters.storage.accounts import DynamoAccountRepository
        from signalbox.adapters.storage.connections import DynamoConnectionRepository
        from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

        email = checked_email(options.email) if options.email else None
        made = give_account(
            Tier(options.tier),
            email,
            accounts=DynamoAccountRepository(),
            subscriptions=DynamoSubscriptionRepository(),
            connections=DynamoConnectionRepository(),
            now=datetime.now(UTC),
        )
    except (SignalboxError, BotoCoreError, ClientError) as e:
        sys.stderr.write(f"signalbox: {' '.join(str(e).split())}\n")
        return 1
    sys.stdout.write(f"account {made.key.account_id}, tier {options.tier}\nkey     {made.text}\n")
    sys.stderr.write("The key is shown this once: keep it, and send it as X-Api-Key.\n")
    return 0


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


def running_port(states: Path) -> int:
    """Return the port of the local system that runs now; raise InvalidValueError if none does."""
    for kept in sorted(states.glob("*/port")):
        port = int(kept.read_text())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
    raise InvalidValueError("a local system must be running, none is: start one with `make run`, or say CLOUD=aws")


def use_local_cloud(port: int) -> None:
    """Let the adapters of this process talk to the local cloud, as its root."""
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the local cloud's root, known to everybody
    )


def use_tables_of(stack: str) -> None:
    """Put the names of a stack's tables into the environment: `ACCOUNTS_TABLE` for the resource `AccountsTable`."""
    import boto3

    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::DynamoDB::Table":
                setting = _CAMEL.sub("_", resource["LogicalResourceId"]).upper()
                os.environ[setting] = resource["PhysicalResourceId"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.account", description="Make an account and print its key")
    parser.add_argument("--tier", required=True, choices=[str(tier) for tier in Tier])
    parser.add_argument("--email", default="", help="the address it signs in by; one that has an account keeps it")
    parser.add_argument("--cloud", default="local", choices=["local", "aws"])
    parser.add_argument("--stack", default=STACK)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
