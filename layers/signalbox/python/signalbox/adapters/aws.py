"""The one botocore session of this process, its clients, and what their errors mean.

Clients are made on first use and shared: a client costs up to 70 ms of a cold start, and a function that needs only
one of them must not pay for the others.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

NETWORK_ERRORS = (HTTPClientError, NoConnectionError)
"""No answer: refused, broken or timed-out connections."""

_TRY_LATER = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "OverLimit",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)

_SENDS = frozenset({"sesv2", "sns"})
"""What these do cannot be taken back: asked again without an answer, they would do it twice."""


@cache
def session() -> "Session":
    """Return the botocore session of this process."""
    from botocore.session import get_session

    return get_session()


@cache
def client(service: str, *, endpoint_url: str | None = None) -> Any:
    """Return the client of an AWS service (`dynamodb`, `sqs`, `sesv2`), made on first use.

    `endpoint_url` is for the one service whose address is a resource of ours (`apigatewaymanagementapi`).
    """
    made = session().create_client(service, endpoint_url=endpoint_url, config=config(service))
    if service in _SENDS:
        made.meta.events.register_first("needs-retry", _raise_what_is_unclear)
    return made


def config(service: str) -> "Config":
    """Return how clients of an AWS service call it."""
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=2,
        read_timeout=8,
        max_pool_connections=16,
        # S3 alone still signs links the old way in some regions, with which nothing encrypted can be fetched.
        signature_version="s3v4" if service == "s3" else None,
        # Spelled here, once: botocore spells it twice for each call, a seventh of the call's own work.
        user_agent=session().user_agent(),
    )


def _raise_what_is_unclear(caught_exception: Exception | None = None, **_: Any) -> None:
    """Keep botocore from asking again what may have been done; a refusal or a fault that was answered it may repeat."""
    if caught_exception is not None and is_unclear(caught_exception):
        raise caught_exception


def forget() -> None:
    """Drop the session and its clients, so that the next call makes them anew (tests, changed credentials)."""
    client.cache_clear()
    session.cache_clear()


def error_code(error: ClientError) -> str:
    """Return the service's own name of an error."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def is_unclear(error: Exception) -> bool:
    """Return whether the service may have done what it was asked: it was reached, and did not answer."""
    return isinstance(error, HTTPClientError)


def may_succeed_later(error: Exception) -> bool:
    """Return whether the same call may succeed later: no answer, throttled, or a fault of the service."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error_code(error) in _TRY_LATER
    return isinstance(error, NETWORK_ERRORS)
