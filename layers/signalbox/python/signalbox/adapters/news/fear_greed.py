"""alternative.me's Fear & Greed index: `{"data": [{"value": "40", "value_classification": "Fear", "timestamp": ...}]}`.

Documented at https://alternative.me/crypto/fear-and-greed-index/ (section API): newest first, timestamps in epoch
seconds at midnight UTC. The day that has begun is listed too, with its value as it stands.
"""

import json
from datetime import datetime
from typing import Any

from signalbox.adapters.news.http import get
from signalbox.domain.errors import FeedUnreadableError
from signalbox.domain.instants import from_ms
from signalbox.domain.sentiment.fear_greed import FearGreed

PUBLIC_URL = "https://api.alternative.me/fng/"

_DAYS = 2


class AlternativeMe:
    """Implements `ports.IndexSource`.

    Parameters
    ----------
    url : str
        Where the index lies: `PUBLIC_URL`, or what speaks its dialect.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self, now: datetime) -> list[FearGreed]:
        """Return the newest values, oldest first, as known at `now`; days that have not begun are left out.

        Raises FeedUnavailableError or FeedUnreadableError.
        """
        separator = "&" if "?" in self._url else "?"
        body = get(f"{self._url}{separator}limit={_DAYS}").body or b""
        try:
            values = [_value(each, now) for each in json.loads(body)["data"]]
        except (ValueError, KeyError, TypeError, OverflowError) as e:
            raise FeedUnreadableError(
                f"{self._url} must send data: [{{value, value_classification, timestamp}}], sent {body[:80]!r}"
            ) from e
        return sorted((value for value in values if value.time <= now), key=lambda value: value.time)


def _value(record: Any, now: datetime) -> FearGreed:
    return FearGreed(
        value=int(record["value"]),
        classification=str(record["value_classification"]),
        time=from_ms(int(record["timestamp"]) * 1000),
        known_at=now,
    )
