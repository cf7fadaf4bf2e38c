"""Who may do what: scopes of keys, and quotas of accounts."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any

from signalbox.api.policies import identity
from signalbox.api.problems import ProblemError
from signalbox.domain.accounts.account import ANONYMOUS, Account, Scope
from signalbox.domain.accounts.tokens import hash_text
from signalbox.domain.errors import TransientError
from signalbox.ports.access import QuotaRepository


def require(event_context: Mapping[str, Any], scope: Scope) -> Account:
    """Return the account that asks, if its key or token is for this.

    Raises ProblemError: 401 without a key, 403 with one whose scopes are too few.
    """
    found = identity(event_context)
    if found.account.account_id == ANONYMOUS.account_id:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            f"this needs a key or token with the scope {scope}, none was given",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if scope not in found.scopes:
        had = ", ".join(sorted(found.scopes)) or "none"
        raise ProblemError(HTTPStatus.FORBIDDEN, f"this needs a key with the scope {scope}, had {had}")
    return found.account


def count_request(event_context: Mapping[str, Any], quotas: QuotaRepository, now: datetime) -> None:
    """Count a request against its account's tier; an anonymous one against its address, as tier free.

    A request that no authorizer was asked about is free of charge, and so is one from this very machine: only a local
    cloud has those. Counting that fails for a while stops nobody: a quota is no lock.

    Raises ProblemError (429) where the hour or the day is used up, and says in `Retry-After` when to come back.
    """
    holder = quota_holder(event_context)
    if holder is None:
        return
    tier = identity(event_context).account.tier
    terms = tier.terms
    try:
        again = quotas.count(holder, per_hour=terms.requests_per_hour, per_day=terms.requests_per_day, now=now)
    except TransientError:
        return
    if again is not None:
        raise too_many(
            f"tier {tier} has {terms.requests_per_hour} requests an hour and {terms.requests_per_day} a day; used up",
            again,
            now,
        )


def quota_holder(event_context: Mapping[str, Any]) -> str | None:
    """Return whose quota a request counts against, or None if against nobody's."""
    if not event_context.get("authorizer"):
        return None
    account = identity(event_context).account
    if account.account_id != ANONYMOUS.account_id:
        return account.account_id
    source = source_network(event_context)
    return None if source is None else f"from#{source}"


def source_network(event_context: Mapping[str, Any]) -> str | None:
    """Return a hash of the network a request comes from, as the gateway saw it; None for this very machine.

    IPv6 customers have a /64 to themselves. Headers are not asked: anybody may write those.
    """
    try:
        address = ip_address(str((event_context.get("identity") or {}).get("sourceIp")))
    except ValueError:
        return hash_text("unknown")[:32]
    if address.is_loopback:
        return None
    network = ip_network(f"{address}/{64 if address.version == 6 else 32}", strict=False)
    return hash_text(str(network))[:32]


def too_many(detail: str, again: datetime, now: datetime) -> ProblemError:
    """Return the refusal of one request too many, with the moment to come back."""
    seconds = max(1, int((again - now).total_seconds() + 0.999))
    return ProblemError(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(seconds)})
