"""What every table shares: one client, one place where DynamoDB's errors get their meaning, one decoder.

PynamoDB models declare keys, indexes and attributes, and write. Reads skip the model objects and decode raw items by
the same attribute declarations (`Table.values`): faster, and the same for replies and for images in a stream.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from typing import Any, ClassVar

from botocore import xform_name
from botocore.exceptions import ClientError
from pynamodb.connection import Connection, TableConnection
from pynamodb.models import Model

from signalbox.adapters import aws
from signalbox.adapters.read_units import asking_units, note_units
from signalbox.domain.errors import InvalidValueError, PermanentError, StorageUnavailableError
from signalbox.settings import resource

RawItem = dict[str, dict[str, Any]]
"""An item as DynamoDB spells it, in replies and in stream images: `{"symbol": {"S": "BTC/USDT"}}`."""


_MOST_FETCHED = 100
"""Keys that one BatchGetItem takes."""
_LOST = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""Why a transaction was cancelled when somebody else came first: had changed an item, or was changing it."""
_THROTTLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})


class ConditionFailedError(Exception):
    """The condition of a write did not hold, or its transaction met another one on the same item. Never leaves this
    package: ports name a boolean or None for it."""


def call(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make one DynamoDB call (`PutItem`, `Query`).

    Raises ConditionFailedError if the write's condition did not hold, StorageUnavailableError if the same call may
    succeed later, and PermanentError, with DynamoDB's own name of the error, if it will not.
    """
    try:
        asked = asking_units(operation, arguments)
        reply: dict[str, Any] = getattr(aws.client("dynamodb"), xform_name(operation))(**asked)
    except (ClientError, *aws.NETWORK_ERRORS) as e:
        cancelled = _cancellations(e)
        if cancelled & _LOST or (isinstance(e, ClientError) and aws.error_code(e) == "ConditionalCheckFailedException"):
            raise ConditionFailedError(str(e)) from e
        kind = StorageUnavailableError if cancelled & _THROTTLED or aws.may_succeed_later(e) else PermanentError
        raise kind(f"{operation} on {arguments.get('TableName', 'several tables')} failed: {e}") from e
    note_units(reply)
    return reply


def _cancellations(error: Exception) -> set[str]:
    """Return DynamoDB's names of the reasons for which a transaction was cancelled; none for any other error."""
    if not isinstance(error, ClientError) or aws.error_code(error) != "TransactionCanceledException":
        return set()
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment] # untyped
    return {str(reason.get("Code")) for reason in reasons}


@cache
def _readers(table: type["Table"]) -> tuple[tuple[str, str, Callable[[Any], Any], bool], ...]:
    attributes = table.get_attributes().items()
    return tuple((name, each.attr_type, each.deserialize, bool(each.null)) for name, each in attributes)


class SharedConnection(Connection):
    """PynamoDB's connection, on this process's one client and with its errors given their meaning.

    Models make a client each otherwise, 70 ms of a cold start per model.
    """

    @property
    def client(self) -> Any:
        """The client that all tables share."""
        return aws.client("dynamodb")

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        return call(operation_name, operation_kwargs)


class Table(Model):
    """Base of every table. A subclass's `setting` is the environment variable that holds the table's name, which is
    read on first use and not at import."""

    setting: ClassVar[str]

    class Meta:
        table_name = ""

    @classmethod
    def name(cls) -> str:
        """Return the table's name in this deployment."""
        return resource(cls.setting)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        cls.Meta.table_name = cls.name()
        connection = super()._get_connection()
        if not isinstance(connection.connection, SharedConnection):
            shared = SharedConnection()
            shared.add_meta_table(connection.get_meta_table())
            connection.connection = shared
        return connection

    @classmethod
    def values(cls, raw: RawItem) -> dict[str, Any]:
        """Return the attributes of a raw item, decoded, by name.

        One that may be absent and is, is None. One that must be there and is not (the item is older than the attribute)
        is left out, as are attributes unknown here.
        """
        return {
            name: read(raw[name][kind]) if name in raw else None
            for name, kind, read, may_be_absent in _readers(cls)
            if name in raw or may_be_absent
        }

    @classmethod
    def fetch_raw(cls, key: Mapping[str, str]) -> RawItem | None:
        """Return the raw item with this key of text attributes, read consistently, or None."""
        raw = {name: {"S": value} for name, value in key.items()}
        reply = call("GetItem", {"TableName": cls.name(), "Key": raw, "ConsistentRead": True})
        return reply.get("Item")

    @classmethod
    def fetch(cls, **key: str) -> dict[str, Any] | None:
        """Return the decoded item with this key, read consistently, or None."""
        raw = cls.fetch_raw(key)
        return None if raw is None else cls.values(raw)

    @classmethod
    def fetch_many_raw(cls, keys: Sequence[Mapping[str, str]], *, consistent: bool = False) -> list[RawItem]:
        """Return the raw items with these keys of text attributes that are there, in any order.

        Raises StorageUnavailableError if some could not be read now.
        """
        found: list[RawItem] = []
        for start in range(0, len(keys), _MOST_FETCHED):
            raw = [{name: {"S": value} for name, value in key.items()} for key in keys[start : start + _MOST_FETCHED]]
            asked = {"Keys": raw, "ConsistentRead": consistent}
            reply = call("BatchGetItem", {"RequestItems": {cls.name(): asked}})
            if reply.get("UnprocessedKeys"):
                raise StorageUnavailableError(f"BatchGetItem on {cls.name()} left some of {len(raw)} keys unread")
            found += reply["Responses"][cls.name()]
        return found

    @classmethod
    def query_raw(
        cls, condition: str, values: Mapping[str, Any], *, rows: Callable[[], int] | None = None, **options: Any
    ) -> Iterator[list[RawItem]]:
        """Yield the items of a query as DynamoDB pages them, until there are no more.

        `condition` spells keys as `#name`, since some are DynamoDB's own words, and values as `:name`; `options` are
        Query's own (`IndexName`, `Limit`, `ScanIndexForward`, ...). `rows` is asked before each page how long it may
        be, where pages differ.
        """
        request = {
            "TableName": cls.name(),
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {word: word[1:] for word in re.findall(r"#\w+", condition)},
            "ExpressionAttributeValues": values,
            **options,
        }
        while True:
            if rows is not None:
                request["Limit"] = rows()
            reply = call("Query", request)
            yield reply["Items"]
            if "LastEvaluatedKey" not in reply:
                return
            request["ExclusiveStartKey"] = reply["LastEvaluatedKey"]

    @classmethod
    def newest_raw(cls, hash_name: str, hash_value: str, limit: int) -> list[RawItem]:
        """Return the last `limit` items of a partition, last first; raise InvalidValueError if `limit` is below 1."""
        if limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {limit}")
        pages = cls.query_raw(
            f"#{hash_name} = :partition", {":partition": {"S": hash_value}}, Limit=limit, ScanIndexForward=False
        )
        return list(islice(chain.from_iterable(pages), limit))

    def put_new(self) -> bool:
        """Store this item unless one with its key is stored; return whether it was stored."""
        hash_key = next(each for each in self.get_attributes().values() if each.is_hash_key)
        try:
            self.save(hash_key.does_not_exist())
        except ConditionFailedError:
            return False
        return True
