"""The demo account of a local run: a key, and a subscription to everything by e-mail."""

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local.deploy import Deployment
from infra.local.ministack import REGION, LocalCloud
from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import Channel, Subscription
from signalbox.services.authorize import hash_key

ACCOUNT_ID = "demo"
EMAIL = "demo@signalbox.example"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def add_demo_account(cloud: LocalCloud, deployment: Deployment, kept_key: Path | None = None) -> str:
    """Store the demo account, its key and its subscription through the functions' own adapters; return the key.

    Parameters
    ----------
    kept_key : Path, optional
        Where the key is kept between runs; without it each run makes a new one.
    """
    from signalbox.adapters.storage.accounts import DynamoAccountRepository
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    key = _key(kept_key)
    account = Account(ACCOUNT_ID, Tier.PREMIUM, EMAIL)
    stored = ApiKey(hash_key(key), ACCOUNT_ID, key[:8], Tier.PREMIUM)
    subscription = Subscription(
        subscription_id="demo-everything",
        account_id=ACCOUNT_ID,
        tier=Tier.PREMIUM,
        channels=frozenset({Channel.EMAIL}),
        email=EMAIL,
    )
    with as_function(cloud, table_settings(deployment)):
        DynamoAccountRepository().put(account, stored)
        DynamoSubscriptionRepository().put(subscription)
    return key


def _key(kept: Path | None) -> str:
    if kept and kept.exists():
        return kept.read_text().strip()
    key = f"demo_{secrets.token_urlsafe(24)}"
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(key)
    return key


def table_settings(deployment: Deployment) -> dict[str, str]:
    """Return the table settings that functions get: `SIGNALS_TABLE` for the resource `SignalsTable`."""
    tables = deployment.of_type("AWS::DynamoDB::Table")
    return {_CAMEL.sub("_", logical_id).upper(): name for logical_id, name in tables.items()}


@contextmanager
def as_function(cloud: LocalCloud, settings: Mapping[str, str]) -> Iterator[None]:
    """Let the adapters of this process work as a function of the deployment would, with root's rights."""
    from signalbox.adapters import aws

    wanted = {
        **settings,
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    aws.forget()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        aws.forget()
