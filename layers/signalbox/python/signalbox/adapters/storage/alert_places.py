"""Where alerts may wait at all, in DynamoDB: one item per symbol, read before the index is asked.

Almost no symbol has an alert, and asking for each would cost a shard three queries per symbol and minute. So under
`places:<symbol>` each partition of the index that an alert on the symbol may lie in is an attribute, which says until
when. It is written before the alert is and only ever moved later: what it names may hold nothing any more, what it
leaves out holds nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from signalbox.adapters.storage.alert_items import AlertItem, kept_until
from signalbox.adapters.storage.dynamo import ConditionFailedError, call
from signalbox.domain.alerts.alert import Alert
from signalbox.domain.alerts.triggers import partitions_of

SLACK = timedelta(days=30)
"""Each write of an alert may keep its item a little longer: in stepped runs alerts live by another clock than items."""

_PLACES = "places"


def occupy(alert: Alert, now: datetime) -> None:
    """State where an alert that is about to be stored may wait, as of the wall clock's `now`."""
    until = int((kept_until(alert, now) + SLACK).timestamp())
    for partition in partitions_of(alert):
        try:
            call(
                "UpdateItem",
                {
                    "TableName": AlertItem.name(),
                    "Key": {name: {"S": value} for name, value in _key(alert.terms.symbol).items()},
                    "UpdateExpression": "SET #place = :until",
                    "ConditionExpression": "attribute_not_exists(#place) OR #place < :until",
                    "ExpressionAttributeNames": {"#place": partition},
                    "ExpressionAttributeValues": {":until": {"N": str(until)}},
                },
            )
        except ConditionFailedError:
            continue


def spreads(before: Alert, after: Alert) -> bool:
    """Return whether `after` may lie where `before` did not, or for longer."""
    elsewhere = set(partitions_of(after)) - set(partitions_of(before))
    return bool(elsewhere) or after.terms.expires_at > before.terms.expires_at


def occupied(symbols: Iterable[str], now: datetime) -> frozenset[str]:
    """Return the partitions in which alerts on `symbols` may wait at the wall clock's `now`; read consistently."""
    items = AlertItem.fetch_many_raw([_key(symbol) for symbol in dict.fromkeys(symbols)], consistent=True)
    return frozenset(
        partition
        for item in items
        for partition, until in item.items()
        if "N" in until and int(until["N"]) > now.timestamp()
    )


def _key(symbol: str) -> dict[str, str]:
    return {"account_id": f"{_PLACES}:{symbol}", "alert_id": _PLACES}
