"""Take a place within an account's limits before adding to what it has, so that the limit holds whoever else asks."""

from collections.abc import Callable, Collection
from datetime import datetime

from signalbox.domain.accounts.room import Limited
from signalbox.domain.errors import StorageUnavailableError
from signalbox.ports.delivery import AccountRepository

TRIES = 20
"""How often a place is asked for that others moved first."""


def take_place(
    account_id: str,
    kind: Limited,
    item: str,
    *,
    most: int,
    there: Callable[[], Collection[str]],
    accounts: AccountRepository,
    now: datetime,
) -> bool:
    """Take one of `most` places for `item`; return whether it has one, also of a time before. `there` returns what the
    account has.

    Raises
    ------
    StorageUnavailableError
        If others asked at the same moment again and again.
    """
    for _ in range(TRIES):
        room = accounts.room(account_id, kind)
        after = room.with_place(item, there(), most, now)
        if after is None:
            return False
        if accounts.keep_room(account_id, kind, after):
            return True
    raise StorageUnavailableError(f"{kind} of {account_id} must stand still to be counted, moved {TRIES} times")


def give_back(account_id: str, kind: Limited, item: str, *, accounts: AccountRepository) -> None:
    """Give a place back after its item was removed. A worker that dies before this leaves a place that nobody finds
    anything in, and which is free a minute later."""
    for _ in range(TRIES):
        room = accounts.room(account_id, kind)
        if item not in room.taken or accounts.keep_room(account_id, kind, room.without(item)):
            return
