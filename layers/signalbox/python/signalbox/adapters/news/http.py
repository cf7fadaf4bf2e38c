"""One GET for every source: conditional, short of patience, never more than some megabytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import urllib3

from signalbox.domain.errors import FeedUnavailableError, FeedUnreadableError

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
MOST_BYTES = 5_000_000
AGENT = "signalbox/1 (news reader)"

_UNCHANGED = 304
_TRY_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source sent. `body` is None where nothing changed; header names are in small letters."""

    body: bytes | None
    headers: Mapping[str, str]


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        retries=urllib3.Retry(total=2, connect=1, read=1, redirect=2, status=0, backoff_factor=0.2),
    )


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return what lies at `url`.

    Raises
    ------
    FeedUnavailableError
        No answer in time, 408, 425, 429 or 5xx: the next reading may succeed.
    FeedUnreadableError
        Any other status but 200 and 304, or more than 5 MB.
    """
    try:
        response = _pool().request(
            "GET", url, headers={"User-Agent": AGENT, **(headers or {})}, preload_content=False, decode_content=True
        )
        try:
            body = response.read(MOST_BYTES + 1)
        finally:
            # What is left unread must not be taken for the next answer.
            response.close()
    except urllib3.exceptions.HTTPError as e:
        raise FeedUnavailableError(f"{url} must answer within {READ_SECONDS:.0f} s, did not: {e}") from e
    told = {name.lower(): value for name, value in response.headers.items()}
    if response.status == _UNCHANGED:
        return Answer(None, told)
    if response.status in _TRY_LATER or response.status >= 500:
        raise FeedUnavailableError(f"{url} must answer 200, answered {response.status}")
    if response.status != 200:
        raise FeedUnreadableError(f"{url} must answer 200, answered {response.status}")
    if len(body) > MOST_BYTES:
        raise FeedUnreadableError(f"{url} must send at most {MOST_BYTES} bytes, sent more")
    return Answer(body, told)
