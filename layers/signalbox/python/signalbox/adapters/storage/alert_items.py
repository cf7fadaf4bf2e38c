"""How an alert lies in DynamoDB: beside the others of its account, and, while it waits, in the index where it waits.

Three other kinds of item share the table: under `fired:<alert_id>` one mark for each thing that an alert fired for, so
that it fires for it once, under `check:<bucket>` up to where the symbols of a shard were looked at, and under
`places:<symbol>` where alerts on a symbol may wait. An account's id holds no colon.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from signalbox.adapters.storage.attributes import CompactJSONAttribute, DecimalAttribute, WholeAttribute
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.alert import Alert, AlertKind, Terms, Window
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.triggers import trigger_of
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.settings import settings


class ByTriggerIndex(GlobalSecondaryIndex["AlertItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """Which alerts wait between two values? Sparse: one that waits no more costs nothing more."""

    class Meta:
        index_name = "by-trigger"
        projection = AllProjection()

    trigger_partition = UnicodeAttribute(hash_key=True)
    trigger_value = DecimalAttribute(range_key=True)


class AlertItem(Table):
    """One alert, a mark that it fired for something, the checks of a shard, or the places of a symbol."""

    class Meta:
        table_name = ""

    setting = "ALERTS_TABLE"
    by_trigger = ByTriggerIndex()

    account_id = UnicodeAttribute(hash_key=True)
    alert_id = UnicodeAttribute(range_key=True)
    trigger_partition = UnicodeAttribute(null=True)  # only while it waits, like trigger_value
    trigger_value = DecimalAttribute(null=True)
    version = WholeAttribute(null=True)
    record = CompactJSONAttribute(null=True)
    ttl = TTLAttribute(null=True)


def item_of(alert: Alert, now: datetime) -> AlertItem:
    """Return the item of an alert as of the wall clock's `now`; raise InvalidValueError if its account's id holds a
    colon."""
    if ":" in alert.account_id:
        raise InvalidValueError(f"account_id must hold no colon, was {alert.account_id!r}")
    trigger = trigger_of(alert)
    waits: dict[str, Any] = (
        {} if trigger is None else {"trigger_partition": trigger.partition, "trigger_value": trigger.value}
    )
    return AlertItem(
        alert.account_id,
        alert.alert_id,
        version=alert.version,
        ttl=kept_until(alert, now),
        record={"terms": _terms_record(alert.terms), **_state_record(alert)},
        **waits,
    )


def kept_until(alert: Alert, now: datetime) -> datetime:
    """Return until when an alert that is written at the wall clock's `now` is kept."""
    return _end(max(alert.terms.expires_at, now))


def mark_of(firing: Firing, now: datetime) -> AlertItem:
    """Return the item that says that an alert fired for something; it outlasts all that could tell of it again."""
    return AlertItem(f"fired:{firing.alert_id}", firing.occasion, ttl=_end(now))


def _end(moment: datetime) -> datetime:
    return moment + timedelta(days=settings().alerts_kept_days)


def alert_of(raw: RawItem) -> Alert:
    """Return the alert in a raw item."""
    values = AlertItem.values(raw)
    record = values["record"]
    return Alert(
        alert_id=values["alert_id"],
        account_id=values["account_id"],
        version=values["version"],
        tier=Tier(record["tier"]),
        terms=_terms_of(record["terms"]),
        created_at=from_iso(record["created_at"]),
        since=from_iso(record["since"]),
        active=record["active"],
        rising=record["rising"],
        waits_at=_decimal(record["waits_at"]),
        fired=record["fired"],
        last=None if record["last"] is None else Firing.from_record(record["last"]),
    )


def _state_record(alert: Alert) -> dict[str, Any]:
    return {
        "tier": alert.tier,
        "created_at": to_iso(alert.created_at),
        "since": to_iso(alert.since),
        "active": alert.active,
        "rising": alert.rising,
        "waits_at": _text(alert.waits_at),
        "fired": alert.fired,
        "last": None if alert.last is None else alert.last.to_record(),
    }


def _terms_record(terms: Terms) -> dict[str, Any]:
    return {
        "kind": terms.kind,
        "symbol": terms.symbol,
        "expires_at": to_iso(terms.expires_at),
        "price": _text(terms.price),
        "percent": _text(terms.percent),
        "window": terms.window,
        "timeframe": terms.timeframe,
        "minimum_quality": terms.minimum_quality,
        "repeat": terms.repeat,
        "cooldown_ms": terms.cooldown // timedelta(milliseconds=1),
        "hysteresis_percent": _text(terms.hysteresis_percent),
        "note": terms.note,
        "channels": sorted(terms.channels),
    }


def _terms_of(record: dict[str, Any]) -> Terms:
    return Terms(
        kind=AlertKind(record["kind"]),
        symbol=record["symbol"],
        expires_at=from_iso(record["expires_at"]),
        price=_decimal(record["price"]),
        percent=_decimal(record["percent"]),
        window=None if record["window"] is None else Window(record["window"]),
        timeframe=None if record["timeframe"] is None else Timeframe(record["timeframe"]),
        minimum_quality=record["minimum_quality"],
        repeat=record["repeat"],
        cooldown=timedelta(milliseconds=record["cooldown_ms"]),
        hysteresis_percent=Decimal(record["hysteresis_percent"]),
        note=record["note"],
        channels=frozenset(map(Channel, record["channels"])),
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
