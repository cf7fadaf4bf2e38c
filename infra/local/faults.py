"""What can go wrong on a wire, as rules: which requests, what happens to them, how often."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

from signalbox.domain.errors import InvalidValueError

EXCHANGE_PREFIX = "/_exchange/"
"""Requests below this path are for the exchanges: `/_exchange/<exchange id>/...`."""


class Fault(StrEnum):
    """What happens to a request."""

    THROTTLE = "throttle"
    """It is refused: 429, or the service's own throttling error. Nothing is done."""
    ERROR = "error"
    """It is answered with a 5xx. Nothing is done."""
    TIMEOUT = "timeout"
    """No answer comes, and nothing is done."""
    LOST_REPLY = "lost_reply"
    """It is carried out, but the answer is lost."""
    LATE_REPLY = "late_reply"
    """It is carried out, and the answer comes late."""
    KILL = "kill"
    """It is carried out, and the process that asked is killed before it has the answer."""
    DUPLICATE = "duplicate"
    """It is carried out twice; the first answer comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One fault.

    Parameters
    ----------
    target : str
        Pattern (`*`, `?`) of `service:operation`: `dynamodb:PutItem`, `sqs:*`, `exchange:binance`,
        `ses:POST /v2/email/*`.
    fault : Fault
        What happens.
    times : int, optional
        Only to the next so many matching requests.
    probability : float, default 1
        To this share of the matching requests, chosen by `seed`.
    seconds : float, default 0
        How long a time-out or a late reply takes; for an exchange's throttle, what `Retry-After` says.
    """

    target: str
    fault: Fault
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if ":" not in self.target:
            raise InvalidValueError(f"target must be service:operation, was {self.target!r}")
        if not 0.0 < self.probability <= 1.0:
            raise InvalidValueError(f"probability must be in (0, 1], was {self.probability}")
        if self.times is not None and self.times < 1:
            raise InvalidValueError(f"times must be at least 1, was {self.times}")
        if self.seconds < 0:
            raise InvalidValueError(f"seconds must not be negative, was {self.seconds}")

    @classmethod
    def from_message(cls, body: Mapping[str, Any]) -> "FaultRule":
        """Read a rule from JSON; raise InvalidValueError if it is none."""
        try:
            return cls(**{**body, "fault": Fault(body["fault"])})
        except (KeyError, TypeError, ValueError) as e:
            raise InvalidValueError(f"body must be a fault rule, was {str(dict(body))[:200]}: {e}") from e


class FaultRules:
    """The rules in force, the oldest first, and how often each was applied. Safe to use from many threads."""

    def __init__(self) -> None:
        self._rules: list[_Counted] = []
        self._lock = Lock()

    def add(self, rule: FaultRule) -> None:
        """Put a rule in force."""
        with self._lock:
            self._rules.append(_Counted(rule))

    def clear(self) -> None:
        """Lift every rule."""
        with self._lock:
            self._rules.clear()

    def applied(self) -> dict[str, int]:
        """Return how often each rule was applied, by `fault target`."""
        with self._lock:
            counts: dict[str, int] = {}
            for counted in self._rules:
                name = f"{counted.rule.fault} {counted.rule.target}"
                counts[name] = counts.get(name, 0) + counted.applied
            return counts

    def take(self, target: str) -> FaultRule | None:
        """Return the rule to apply to a request for `target`, counting it as applied, or None."""
        with self._lock:
            return next((counted.rule for counted in self._rules if counted.applies(target)), None)


class _Counted:
    """A rule, its own random numbers, and how often it was applied."""

    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.applied = 0
        self._random = random.Random(rule.seed)

    def applies(self, target: str) -> bool:
        spent = self.rule.times is not None and self.applied >= self.rule.times
        if spent or not fnmatchcase(target, self.rule.target):
            return False
        if self._random.random() >= self.rule.probability:
            return False
        self.applied += 1
        return True


def target_of(method: str, path: str, headers: Mapping[str, str]) -> str:
    """Return `service:operation` of a request.

    `headers` have lower-case names. AWS's JSON protocols name the operation in X-Amz-Target, others have only method
    and path; the signature's scope names the service.
    """
    plain = path.partition("?")[0]
    if plain.startswith(EXCHANGE_PREFIX):
        return f"exchange:{plain.removeprefix(EXCHANGE_PREFIX).partition('/')[0]}"
    scope = headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    service = scope[3] if len(scope) > 3 else "unsigned"
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return f"{service}:{operation or f'{method} {plain}'}"
