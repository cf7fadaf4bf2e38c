"""In-memory ports of alerts with the semantics of the real ones, and values with sensible defaults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.alerts.alert import Alert, AlertKind, Terms, new_alert
from signalbox.domain.alerts.checks import Check
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.prices import Observation
from signalbox.domain.alerts.triggers import partitions_of, trigger_of
from signalbox.domain.delivery.topics import REGIMES
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, RegimeChange, Volatility
from signalbox.ports.alerts import TriggerRange
from tests.builders import NOW


def make_terms(kind: AlertKind = AlertKind.ABOVE, **overrides: Any) -> Terms:
    values: dict[str, Any] = {"kind": kind, "symbol": "BTC/USDT", "expires_at": NOW + timedelta(days=7)}
    if kind in (AlertKind.ABOVE, AlertKind.BELOW, AlertKind.CROSSES):
        values["price"] = Decimal(100)
    return Terms(**values | overrides)


def make_alert(terms: Terms | None = None, *, price: str = "90", now: datetime = NOW, **overrides: Any) -> Alert:
    account = Account(overrides.pop("account_id", "acc-1"), overrides.pop("tier", Tier.PREMIUM))
    alert_id = overrides.pop("alert_id", "alert-1")
    made = new_alert(alert_id, account, terms or make_terms(), now=now, price=Decimal(price))
    return replace(made, **overrides)


def make_firing(alert: Alert | None = None, occasion: str = "1", **overrides: Any) -> Firing:
    made = (alert or make_alert()).firing(occasion, at=NOW, value="101", headline="BTC/USDT rose to 101")
    return replace(made, **overrides)


def make_change(hours: int = 0, **overrides: Any) -> RegimeChange:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "timeframe": Timeframe.H1,
        "since": NOW + timedelta(hours=hours),
        "direction": Direction.UP,
        "volatility": Volatility.NORMAL,
    }
    return RegimeChange(**values | overrides)


def seen(minute: float, high: str | Decimal, low: str | Decimal | None = None, lasts: float = 0) -> Observation:
    """What was seen `minute` minutes after `NOW`: one price, or the high and low of what lasts some minutes."""
    begin = NOW + timedelta(minutes=minute)
    return Observation(begin, begin + timedelta(minutes=lasts), Decimal(high), Decimal(high if low is None else low))


class InMemoryTopicLog:
    """`ports.TopicLog`."""

    def __init__(self) -> None:
        self.topics: dict[str, list[dict[str, Any]]] = {}

    def append(self, topic: str, record: Mapping[str, Any]) -> None:
        self.topics.setdefault(topic, []).append(dict(record))

    def entry(self, topic: str, sequence: int) -> dict[str, Any] | None:
        entries = self.topics.get(topic, [])
        return entries[sequence - 1] if 1 <= sequence <= len(entries) else None

    def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        _require_limit(limit)
        return list(enumerate(self.topics.get(topic, []), start=1))[max(sequence, 0) :][:limit]


@dataclass
class InMemoryAlerts:
    """`ports.AlertRepository`. `items_read` counts what `waiting` read, `places_read` what `occupied` did."""

    log: InMemoryTopicLog = field(default_factory=InMemoryTopicLog)
    stored: dict[tuple[str, str], Alert] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    items_read: int = 0
    places_read: int = 0

    def add(self, alert: Alert) -> bool:
        _require_account(alert.account_id)
        key = (alert.account_id, alert.alert_id)
        if key in self.stored:
            return False
        self.stored[key] = alert
        return True

    def get(self, account_id: str, alert_id: str) -> Alert | None:
        return self.stored.get((account_id, alert_id))

    def of_account(self, account_id: str) -> list[Alert]:
        return [self.stored[key] for key in sorted(self.stored) if key[0] == account_id]

    def remove(self, account_id: str, alert_id: str) -> bool:
        return self.stored.pop((account_id, alert_id), None) is not None

    def waiting(self, ranges: Sequence[TriggerRange]) -> list[Alert]:
        found = {}
        for key, alert in self.stored.items():
            trigger = trigger_of(alert)
            if trigger is not None and any(_holds(each, trigger.partition, trigger.value) for each in ranges):
                found[key] = alert
        self.items_read += len(found)
        return [found[key] for key in sorted(found)]

    def occupied(self, symbols: Iterable[str]) -> frozenset[str]:
        wanted = set(symbols)
        concerned = [alert for alert in self.stored.values() if alert.terms.symbol in wanted]
        self.places_read += len({alert.terms.symbol for alert in concerned})
        return frozenset(partition for alert in concerned for partition in partitions_of(alert))

    def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
        key = (before.account_id, before.alert_id)
        stored = self.stored.get(key)
        if stored is None or stored.version != before.version or any(each.event_id in self.fired for each in firings):
            return False
        self.stored[key] = replace(after, version=before.version + 1)
        self.fired |= {firing.event_id for firing in firings}
        for firing in firings:
            self.log.append(firing.topic, firing.to_record())
        return True

    def told(self, account_id: str = "acc-1") -> list[Firing]:
        """What the account was told, oldest first."""
        return [Firing.from_record(record) for record in self.log.topics.get(f"alerts:{account_id}", [])]


class InMemoryAlertChecks:
    """`ports.AlertChecks`."""

    def __init__(self) -> None:
        self.stored: dict[int, dict[str, Check]] = {}

    def load(self, bucket: int) -> dict[str, Check]:
        return dict(self.stored.get(bucket, {}))

    def save(self, bucket: int, checks: Mapping[str, Check]) -> None:
        known = self.stored.setdefault(bucket, {})
        known |= {symbol: each for symbol, each in checks.items() if symbol not in known or known[symbol].at <= each.at}


class InMemoryRegimes:
    """`ports.RegimeRepository`."""

    def __init__(self) -> None:
        self.log = InMemoryTopicLog()
        self.stored: dict[tuple[str, Timeframe, datetime], RegimeChange] = {}

    def add(self, change: RegimeChange) -> bool:
        newest = next(iter(self._of(change.symbol, change.timeframe)), None)
        if newest is not None and newest.since >= change.since:
            return False
        self.stored[change.symbol, change.timeframe, change.since] = change
        self.log.append(REGIMES, change.to_record())
        return True

    def latest(self, symbol: str, timeframe: Timeframe, until: datetime) -> RegimeChange | None:
        found = self._of(symbol, timeframe)
        return next((change for change in found if change.since <= until), None)

    def latest_of(self, symbols: Sequence[str], timeframe: Timeframe, until: datetime) -> dict[str, RegimeChange]:
        found = {symbol: self.latest(symbol, timeframe, until) for symbol in symbols}
        return {symbol: change for symbol, change in found.items() if change is not None}

    def between(
        self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[RegimeChange]:
        _require_limit(limit)
        return [change for change in self._of(symbol, timeframe) if since <= change.since < until][:limit]

    def _of(self, symbol: str, timeframe: Timeframe) -> list[RegimeChange]:
        keys = sorted((key for key in self.stored if key[:2] == (symbol, timeframe)), reverse=True)
        return [self.stored[key] for key in keys]


def _holds(wanted: TriggerRange, partition: str, value: Decimal) -> bool:
    above = wanted.low is None or value >= wanted.low
    return wanted.partition == partition and above and (wanted.high is None or value <= wanted.high)


def _require_account(account_id: str) -> None:
    if ":" in account_id:
        raise InvalidValueError(f"account_id must hold no colon, was {account_id!r}")


def _require_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidValueError(f"limit must be at least 1, was {limit}")
