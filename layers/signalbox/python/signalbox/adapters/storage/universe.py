"""The universe in DynamoDB: one item per version."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, MomentAttribute, sortable_iso
from signalbox.adapters.storage.dynamo import Table
from signalbox.domain.instants import from_iso
from signalbox.domain.universe.universe import Member, Universe

KIND = "universe"
"""The one partition: versions are few and only ever the newest is asked for."""


class UniverseItem(Table):
    """One version of the universe; 500 members are about 40 KB."""

    class Meta:
        table_name = ""

    setting = "UNIVERSE_TABLE"
    kind = UnicodeAttribute(hash_key=True)
    since = MomentAttribute(range_key=True)
    members = CompactJSONAttribute()


class DynamoUniverseRepository:
    """Implements `ports.UniverseRepository`."""

    def current(self, at: datetime) -> Universe | None:
        """Return the newest version not newer than `at`, or None before the first."""
        pages = UniverseItem.query_raw(
            "#kind = :kind AND #since <= :at",
            {":kind": {"S": KIND}, ":at": {"S": sortable_iso(at)}},
            Limit=1,
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        newest = next(pages)
        if not newest:
            return None
        values = UniverseItem.values(newest[0])
        return Universe(values["since"], tuple(map(_member, values["members"])))

    def add(self, universe: Universe) -> bool:
        """Store a version; return False, changing nothing, if that date has one."""
        return UniverseItem(KIND, universe.since, members=[_stored(member) for member in universe.members]).put_new()


def _stored(member: Member) -> dict[str, Any]:
    """Return a member as JSON; almost all trade, and do without `inactive_since`."""
    stored = asdict(member)
    since = stored.pop("inactive_since")
    return stored if since is None else stored | {"inactive_since": sortable_iso(since)}


def _member(stored: dict[str, Any]) -> Member:
    since = stored.get("inactive_since")
    return Member(**stored | {"inactive_since": None if since is None else from_iso(since)})
