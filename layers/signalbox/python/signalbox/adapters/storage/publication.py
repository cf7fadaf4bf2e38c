"""Which fields of a signal are published once, which follow its life, and what an update may therefore do."""

from dataclasses import fields

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Signal, Status

_NAMES = tuple(field.name for field in fields(Signal))

PUBLISHED = _NAMES[: _NAMES.index("status")]
"""Fields that are written when the signal is given and never again."""
LIFECYCLE = _NAMES[_NAMES.index("status") :]
"""Fields that change while it lives, up to its ending."""


def require_update(before: Signal, after: Signal) -> None:
    """Raise InvalidValueError if replacing `before` by `after` would rewrite the record: a published field differs,
    or `before` has ended."""
    changed = [name for name in PUBLISHED if getattr(before, name) != getattr(after, name)]
    if changed:
        raise InvalidValueError(f"published fields never change, but {', '.join(changed)} of {before.signal_id} would")
    if before.status is not Status.OPEN:
        raise InvalidValueError(f"an ended signal never changes, but {before.signal_id} is {before.status}")
