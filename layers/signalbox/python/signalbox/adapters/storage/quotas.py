"""Quotas in DynamoDB: one item per holder and day, counted by one conditional write per request."""

from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, Table, call

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class QuotaItem(Table):
    """What one holder used of one day, `<holder>#<day>`; or the slots it gave away, `<holder>`.

    Beside the declared attributes an item has one counter per hour in which there was a request (`hour_07`), or the
    set of its `slots`.
    """

    class Meta:
        table_name = ""

    setting = "QUOTAS_TABLE"

    quota = UnicodeAttribute(hash_key=True)
    used = WholeAttribute(null=True)
    ttl = WholeAttribute()


class DynamoQuotaRepository:
    """Implements `ports.QuotaRepository`."""

    def count(self, holder: str, *, per_hour: int, per_day: int, now: datetime) -> datetime | None:
        """Count one request of `holder`; or, where its hour (UTC) or day is used up, count nothing and return when the
        next one begins."""
        key, hour = _key(holder, now), f"hour_{now.hour:02}"
        tomorrow = start_of_day(now) + _DAY
        free = "(attribute_not_exists(#{0}) OR #{0} < :per_{0})"
        request = {
            "TableName": QuotaItem.name(),
            "Key": {"quota": {"S": key}},
            "UpdateExpression": "ADD #day :one, #hour :one SET #ttl = :ttl",
            "ConditionExpression": f"{free.format('day')} AND {free.format('hour')}",
            "ExpressionAttributeNames": {"#day": "used", "#hour": hour, "#ttl": "ttl"},
            "ExpressionAttributeValues": {
                ":one": {"N": "1"},
                ":per_day": {"N": str(per_day)},
                ":per_hour": {"N": str(per_hour)},
                ":ttl": {"N": str(int((tomorrow + _DAY).timestamp()))},
            },
        }
        try:
            call("UpdateItem", request)
        except ConditionFailedError:
            used = int((QuotaItem.fetch_raw({"quota": key}) or {}).get("used", {"N": "0"})["N"])
            return tomorrow if used >= per_day else now.replace(minute=0, second=0, microsecond=0) + _HOUR
        return None

    def used_today(self, holder: str, now: datetime) -> int:
        """Return how many requests of `holder` were counted this day."""
        values = QuotaItem.fetch(quota=_key(holder, now)) or {}
        return int(values.get("used") or 0)

    def take_slot(self, holder: str, item: str, *, limit: int, until: datetime) -> bool:
        """Give one of the `limit` slots of `holder` to `item`, to keep until `until`; return whether it has one."""
        request: dict[str, Any] = {
            "TableName": QuotaItem.name(),
            "Key": {"quota": {"S": holder}},
            "UpdateExpression": "ADD #slots :items SET #ttl = :ttl",
            "ConditionExpression": "attribute_not_exists(#slots) OR size(#slots) < :limit OR contains(#slots, :item)",
            "ExpressionAttributeNames": {"#slots": "slots", "#ttl": "ttl"},
            "ExpressionAttributeValues": {
                ":items": {"SS": [item]},
                ":item": {"S": item},
                ":limit": {"N": str(limit)},
                ":ttl": {"N": str(int(until.timestamp()) + 1)},
            },
        }
        try:
            call("UpdateItem", request)
        except ConditionFailedError:
            return False
        return True


def start_of_day(now: datetime) -> datetime:
    """Return midnight, UTC, of the day of `now`."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _key(holder: str, now: datetime) -> str:
    return f"{holder}#{now.date().isoformat()}"
