"""The universe in DynamoDB: one item per version."""

from dataclasses import asdict
from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, MomentAttribute, sortable_iso
from signalbox.adapters.storage.dynamo import Table
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
        return Universe(values["since"], tuple(Member(**member) for member in values["members"]))

    def add(self, universe: Universe) -> bool:
        """Store a version; return False, changing nothing, if that date has one."""
        return UniverseItem(KIND, universe.since, members=[asdict(member) for member in universe.members]).put_new()
