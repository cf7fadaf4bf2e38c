from signalbox.api.policies import allow, caller, deny, identity, presented_key
from signalbox.domain.accounts.account import ANONYMOUS, Account, Caller, Scope, Tier

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc123/live/GET/signals/history"


def test_the_key_is_read_from_its_header_in_any_spelling() -> None:
    assert presented_key({"headers": {"X-API-Key": "sb_1"}}) == "sb_1"


def test_a_bearer_token_is_a_key_too() -> None:
    assert presented_key({"headers": {"authorization": "Bearer sb_1"}}) == "sb_1"


def test_a_request_without_headers_brings_no_key() -> None:
    assert presented_key({"headers": None}) is None


def test_a_token_in_the_url_counts_for_a_websocket_only() -> None:
    event = {"headers": {}, "queryStringParameters": {"token": "sb_1"}, "requestContext": {}}
    assert presented_key(event) is None
    assert presented_key({**event, "requestContext": {"connectionId": "c"}}) == "sb_1"


def test_the_policy_opens_the_whole_stage_and_nothing_beyond() -> None:
    policy = allow(Caller(Account("acc", Tier.PRO), frozenset({Scope.READ, Scope.MANAGE})), ARN)
    statement = policy["policyDocument"]["Statement"][0]
    assert statement["Resource"] == "arn:aws:execute-api:eu-central-1:123456789012:abc123/live/*"
    assert policy["context"] == {"account_id": "acc", "tier": "pro", "scopes": "manage read"}


def test_the_function_behind_sees_the_account_that_was_named() -> None:
    found = Caller(Account("acc", Tier.PRO), frozenset({Scope.SUBSCRIBE}))
    named = allow(found, ARN)["context"]
    assert caller({"authorizer": named}) == Account("acc", Tier.PRO)
    assert identity({"authorizer": named}) == found


def test_a_context_without_scopes_allows_nothing_that_needs_one() -> None:
    assert identity({"authorizer": {"account_id": "acc", "tier": "pro"}}).scopes == frozenset()


def test_a_refusal_denies_what_was_asked_for() -> None:
    (statement,) = deny(ARN)["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", ARN)


def test_a_context_without_an_account_is_anonymous() -> None:
    assert caller({}) == ANONYMOUS
