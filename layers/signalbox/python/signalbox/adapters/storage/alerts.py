"""Alerts in DynamoDB: an account's own by key, and what a move crossed by an index of prices.

An alert that fires changes, is marked, and is told in its account's topic by one transaction: there is no moment at
which it has fired and nobody will hear of it, nor one at which it could fire for the same thing again.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import chain

from pynamodb.transactions import TransactWrite

from signalbox.adapters.clocks import WallClock
from signalbox.adapters.storage import alert_places, topic_log
from signalbox.adapters.storage.alert_items import AlertItem, alert_of, item_of, mark_of
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, SharedConnection
from signalbox.domain.alerts.alert import Alert
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.errors import StorageUnavailableError
from signalbox.ports.alerts import TriggerRange
from signalbox.ports.work import Clock

READERS = 8
"""Ranges read at once: a shard asks for two or three of each of its symbols, a round trip of some milliseconds each."""
TRIES = topic_log.MOST_TRIES
"""How often a firing is numbered anew when another one took its number in the account's topic."""


class DynamoAlertRepository:
    """Implements `ports.AlertRepository`.

    Parameters
    ----------
    clock : Clock, optional
        What items expire by: the wall clock, also in stepped runs.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()

    def add(self, alert: Alert) -> bool:
        """Store a new alert; return False, changing nothing, if its id is there already."""
        now = self._clock.now()
        item = item_of(alert, now)
        alert_places.occupy(alert, now)
        return item.put_new()

    def get(self, account_id: str, alert_id: str) -> Alert | None:
        """Return the alert of this account as it is now (a consistent read), or None."""
        raw = AlertItem.fetch_raw({"account_id": account_id, "alert_id": alert_id}) if _is_account(account_id) else None
        return None if raw is None else alert_of(raw)

    def of_account(self, account_id: str) -> list[Alert]:
        """Return every alert of an account, by id."""
        if not _is_account(account_id):
            return []
        pages = AlertItem.query_raw("#account_id = :id", {":id": {"S": account_id}}, ConsistentRead=True)
        return [alert_of(raw) for page in pages for raw in page]

    def remove(self, account_id: str, alert_id: str) -> bool:
        """Forget an alert; return whether there was one."""
        try:
            AlertItem(account_id, alert_id).delete(AlertItem.version.exists())
        except ConditionFailedError:
            return False
        return True

    def waiting(self, ranges: Sequence[TriggerRange]) -> list[Alert]:
        """Return the alerts that wait in any of `ranges`, each once, by account and id. One query per range."""
        if not ranges:
            return []
        with ThreadPoolExecutor(min(READERS, len(ranges))) as pool:
            found = [alert_of(raw) for raw in chain.from_iterable(pool.map(_read, ranges))]
        return [each for _, each in sorted({(alert.account_id, alert.alert_id): alert for alert in found}.items())]

    def occupied(self, symbols: Iterable[str]) -> frozenset[str]:
        """Return the partitions of the index in which alerts on `symbols` may wait. One call for 100 symbols."""
        return alert_places.occupied(symbols, self._clock.now())

    def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
        """Store `after` as the next version of `before`, and `firings` in the topic of its account: all or nothing.

        Return False, changing nothing, if the alert is no longer as `before`, or one of `firings` was stored already.
        """
        now = self._clock.now()
        item = item_of(replace(after, version=before.version + 1), now)
        if alert_places.spreads(before, after):
            alert_places.occupy(after, now)
        if not firings:
            try:
                item.save(AlertItem.version == before.version)
            except ConditionFailedError:
                return False
            return True
        for _ in range(TRIES):
            last = topic_log.last_number(firings[0].topic)
            try:
                with TransactWrite(connection=SharedConnection()) as transaction:
                    transaction.save(item, AlertItem.version == before.version)
                    for firing in firings:
                        transaction.save(mark_of(firing, now), AlertItem.account_id.does_not_exist())
                    records = [firing.to_record() for firing in firings]
                    topic_log.append(transaction, firings[0].topic, records, last=last, now=now)
            except ConditionFailedError:
                if self._is_stale(before, firings):
                    return False
            else:
                return True
        raise StorageUnavailableError(f"firing of alert {before.alert_id} must be stored, met others {TRIES} times")

    def _is_stale(self, before: Alert, firings: Sequence[Firing]) -> bool:
        """Whether it was not merely the topic's number that another firing took."""
        stored = self.get(before.account_id, before.alert_id)
        if stored is None or stored.version != before.version:
            return True
        marks = (mark_of(firing, firing.at) for firing in firings)
        return any(AlertItem.fetch_raw({"account_id": m.account_id, "alert_id": m.alert_id}) for m in marks)


def _is_account(account_id: str) -> bool:
    return ":" not in account_id


def _read(wanted: TriggerRange) -> list[RawItem]:
    values = {":partition": {"S": wanted.partition}}
    condition = "#trigger_partition = :partition"
    if wanted.low is not None and wanted.high is not None:
        condition += " AND #trigger_value BETWEEN :low AND :high"
    elif wanted.low is not None:
        condition += " AND #trigger_value >= :low"
    elif wanted.high is not None:
        condition += " AND #trigger_value <= :high"
    values |= {f":{name}": {"N": f"{bound:f}"} for name, bound in _bounds(wanted)}
    pages = AlertItem.query_raw(condition, values, IndexName="by-trigger")
    return [raw for page in pages for raw in page]


def _bounds(wanted: TriggerRange) -> Iterator[tuple[str, Decimal]]:
    if wanted.low is not None:
        yield "low", wanted.low
    if wanted.high is not None:
        yield "high", wanted.high
