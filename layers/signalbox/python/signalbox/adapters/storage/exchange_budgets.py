"""Budgets of exchanges in DynamoDB: one item per exchange, with what is spent of this minute and any ban.

In the ordinary case one conditional write both takes from the budget and learns that there is no ban; who has paid
already only reads.
"""

from datetime import datetime
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, Table, call
from signalbox.domain.errors import InvalidValueError, RateLimitedError, StorageUnavailableError
from signalbox.domain.instants import to_ms

WINDOW_MS = 60_000
"""What budgets are counted over."""

_ATTEMPTS = 4
"""A reservation fails at most once because the window is old and once because another worker opened the new one."""

_FREE = "(attribute_not_exists(#banned_until) OR #banned_until <= :now)"


class ExchangeBudgetItem(Table):
    """What all workers spent on one exchange since `window` (epoch ms), and until when none may call it (epoch ms)."""

    class Meta:
        table_name = ""

    setting = "EXCHANGE_BUDGETS_TABLE"
    exchange = UnicodeAttribute(hash_key=True)
    window = WholeAttribute(null=True)
    spent = WholeAttribute(null=True)
    banned_until = WholeAttribute(null=True)


class DynamoExchangeBudgets:
    """Implements `ports.ExchangeBudgets`."""

    def reserve(self, exchange_id: str, weight: int, limit: int, now: datetime) -> None:
        """Take `weight` out of this minute's `limit`; see `ports.ExchangeBudgets`."""
        require_weight(weight, limit)
        now_ms = to_ms(now)
        if not weight:
            stored = ExchangeBudgetItem.fetch(exchange=exchange_id) or {}
            refuse_banned(exchange_id, stored.get("banned_until"), now_ms)
            return
        window = now_ms - now_ms % WINDOW_MS
        for _ in range(_ATTEMPTS):
            if self._add(exchange_id, weight, limit, window, now_ms):
                return
            stored = ExchangeBudgetItem.fetch(exchange=exchange_id) or {}
            refuse_banned(exchange_id, stored.get("banned_until"), now_ms)
            opened = stored.get("window")
            if opened is None or opened < window:
                if self._open(exchange_id, weight, window, now_ms):
                    return
            elif opened > window:
                window = opened  # Another worker's clock is ahead: its minute counts.
            elif stored["spent"] > limit - weight:
                raise spent_error(exchange_id, weight, stored["spent"], limit, window + WINDOW_MS - now_ms)
        raise StorageUnavailableError(f"budget of {exchange_id} changed {_ATTEMPTS} times while it was asked for")

    def ban(self, exchange_id: str, until: datetime) -> None:
        """Let nobody call the exchange until `until`; a ban that ends later stays."""
        values = {":until": {"N": str(to_ms(until))}}
        condition = "attribute_not_exists(#banned_until) OR #banned_until < :until"
        _update(exchange_id, "SET #banned_until = :until", condition, values)

    @staticmethod
    def _add(exchange_id: str, weight: int, limit: int, window: int, now_ms: int) -> bool:
        numbers = {":weight": weight, ":room": limit - weight, ":window": window, ":now": now_ms}
        values = {name: {"N": str(number)} for name, number in numbers.items()}
        return _update(exchange_id, "ADD #spent :weight", f"#window = :window AND #spent <= :room AND {_FREE}", values)

    @staticmethod
    def _open(exchange_id: str, weight: int, window: int, now_ms: int) -> bool:
        numbers = {":weight": weight, ":window": window, ":now": now_ms}
        values = {name: {"N": str(number)} for name, number in numbers.items()}
        condition = f"(attribute_not_exists(#window) OR #window < :window) AND {_FREE}"
        return _update(exchange_id, "SET #window = :window, #spent = :weight", condition, values)


def require_weight(weight: int, limit: int) -> None:
    """Raise InvalidValueError unless 0 <= weight <= limit: more than a whole minute's budget is never granted."""
    if not 0 <= weight <= limit:
        raise InvalidValueError(f"weight must be 0 to the limit of {limit}, was {weight}")


def refuse_banned(exchange_id: str, banned_until: int | None, now_ms: int) -> None:
    """Raise RateLimitedError if a ban lasts."""
    if banned_until is not None and banned_until > now_ms:
        seconds = (banned_until - now_ms) / 1000
        raise RateLimitedError(f"{exchange_id} must not be called for another {seconds:.1f} s: it banned us", seconds)


def spent_error(exchange_id: str, weight: int, spent: int, limit: int, left_ms: int) -> RateLimitedError:
    """Return the refusal of a weight that this minute's budget no longer has."""
    return RateLimitedError(
        f"budget of {exchange_id} must have {weight} left, has {limit - spent} of {limit} for {left_ms / 1000:.1f} s",
        left_ms / 1000,
    )


def _update(exchange_id: str, update: str, condition: str, values: dict[str, Any]) -> bool:
    words = {word for word in ("window", "spent", "banned_until") if f"#{word}" in update + condition}
    try:
        call(
            "UpdateItem",
            {
                "TableName": ExchangeBudgetItem.name(),
                "Key": {"exchange": {"S": exchange_id}},
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {f"#{word}": word for word in words},
                "ExpressionAttributeValues": values,
            },
        )
    except ConditionFailedError:
        return False
    return True
