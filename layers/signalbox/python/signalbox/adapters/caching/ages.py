"""How old the oldest thing in the answer of this request is: noted where it is read, told where it is answered."""

from contextvars import ContextVar

_age: ContextVar[int | None] = ContextVar("age of the answer in seconds", default=None)


def note_age(seconds: int) -> None:
    """Note that something so old is in the answer; the oldest counts."""
    _age.set(max(seconds, _age.get() or 0))


def take_age() -> int | None:
    """Return the age of the oldest thing noted since the last call, None if everything was read for this request."""
    age = _age.get()
    _age.set(None)
    return age
