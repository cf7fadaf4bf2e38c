"""The local cloud's own log, read as it grows: which function handled what, and what failed and why.

It tells at once, and exactly, what the AWS interfaces tell late or not at all: how many stream records a consumer has
handled, that a worker died, what a failed record's function wrote.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.names import plain_name

_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?P<level>[A-Z]+) \[(?P<origin>[\w.]+)\] (?P<text>.*)$")
_FAILED = re.compile(r"^ESM: Lambda (\S+) failed processing .*\(errorType=(.*?) errorMessage=(.*)\)$", re.DOTALL)
_HANDLED = re.compile(
    r"^ESM: Lambda (\S+) processed (\d+) (SQS messages|DynamoDB stream records) from (\S+)"
    r"(?: \((\d+) partial failures\))?$"
)
_OUTPUT = re.compile(r"^(?:ESM: )?Lambda (\S+) output:$")
_DENIED = re.compile(
    r"\((AccessDenied\w*|AuthorizationError\w*)\).*?not authorized to perform:? (\S+)(?: on resource:? (\S+))?",
    re.DOTALL,
)
_CALLED = re.compile(r"\b[A-Z]\w+ on (\S+) failed: ")
"""How the storage adapters say which table a call was for, which the local cloud's refusal leaves out."""
_GLANCE_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Failure:
    """A function that did not do what it was asked. `denied` if a permission is missing, `broken` if it cannot even
    start: neither gets better by trying again."""

    function: str
    reason: str
    denied: bool = False
    broken: bool = False

    @property
    def hopeless(self) -> bool:
        """Whether trying again cannot help."""
        return self.denied or self.broken

    def __str__(self) -> str:
        return f"{self.function} {self.reason}" if self.denied else f"{self.function} failed: {self.reason}"


@dataclass(slots=True)
class Journal:
    """Reads the log at `path` on from where it stopped. `stream_records` counts handled stream records by table;
    `reports` adds up what functions reported, by `<report>.<field>`, and `latest` is what was last. `patience`
    (seconds) is how long a function that gave messages back may take to write why."""

    path: Path
    failures: list[Failure] = field(default_factory=list)
    stream_records: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    latest: Counter[str] = field(default_factory=Counter)
    patience: float = 0.5
    _offset: int = 0
    _rest: bytes = b""
    _speaker: str = ""
    _last_error: dict[str, str] = field(default_factory=dict)
    _awaiting: dict[str, float] = field(default_factory=dict)

    def read(self) -> list[Failure]:
        """Take in what was written since the last look and return the failures it tells of."""
        known = len(self.failures)
        with self.path.open("rb") as log:
            log.seek(self._offset)
            written = log.read()
        self._offset += len(written)
        *lines, self._rest = (self._rest + written).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace").rstrip())
        self._give_up_waiting()
        return self.failures[known:]

    def wait(self, seconds: float) -> None:
        """Return when something was written since the last look, and its writer paused; or after `seconds`."""
        deadline = time.monotonic() + seconds
        size = self._offset
        while time.monotonic() < deadline:
            time.sleep(_GLANCE_SECONDS)
            before, size = size, self.path.stat().st_size
            if self._offset < before == size:
                return

    def _take(self, line: str) -> None:
        entry = _ENTRY.match(line)
        if not entry:
            self._take_output(line)
            return
        text = entry["text"]
        if found := _OUTPUT.match(text):
            self._speaker = found[1]
        elif found := _HANDLED.match(text):
            self._speaker = ""
            if found[3] == "DynamoDB stream records":
                self.stream_records[found[4]] += int(found[2])
            if found[5]:
                self._awaiting[found[1]] = time.monotonic()
        elif found := _FAILED.match(text):
            self._speaker = ""
            self.failures.append(explain(found[1], found[3]))
        else:
            self._speaker = ""

    def _take_output(self, line: str) -> None:
        """Take in a function's report, or remember its error: output follows the line that counts its failures."""
        if not self._speaker:
            return
        record = _record(line)
        self._add_report(record)
        if error := _error_in(record, line):
            self._last_error[self._speaker] = error
            if self._awaiting.pop(self._speaker, None) is not None:
                self.failures.append(explain(self._speaker, error))

    def _add_report(self, record: Mapping[str, Any]) -> None:
        name = str(record.get("message", ""))
        if not name.endswith("Report"):
            return
        for key, value in record.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.reports[f"{name}.{key}"] += int(value)
                self.latest[f"{name}.{key}"] = int(value)

    def _give_up_waiting(self) -> None:
        """Tell of functions that gave messages back and wrote nothing of it."""
        for function, since in list(self._awaiting.items()):
            if time.monotonic() - since >= self.patience:
                del self._awaiting[function]
                self.failures.append(Failure(plain_name(function), "gave messages back without saying why"))


def explain(function: str, reason: str) -> Failure:
    """Return a failure whose reason is one line a person understands."""
    flat = " ".join(reason.split())
    if denied := _DENIED.search(flat):
        code, action, resource = denied.groups()
        if not resource and (called := _CALLED.search(flat)):
            resource = called[1]
        place = f" on {plain_name(resource)}" if resource and resource != "*" else ""
        return Failure(plain_name(function), f"may not {action.rstrip('.')}{place} ({code})", denied=True)
    broken = "Worker init failed" in flat or "ImportModuleError" in flat or "MissingSettingError" in flat
    return Failure(plain_name(function), flat[:400] or "no reason given", broken=broken)


def _record(line: str) -> dict[str, Any]:
    """Return the structured log line that `line` is, or nothing."""
    if not line.startswith("{"):
        return {}
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _error_in(record: Mapping[str, Any], line: str) -> str:
    """Return what an error line of a function says: a structured log line of level ERROR, or the word of a time-out."""
    if record.get("level") in ("ERROR", "CRITICAL"):
        exception = str(record.get("exception", "")).strip().splitlines()
        return " ".join(str(part) for part in (record.get("message", ""), exception[-1] if exception else "") if part)
    return line if line.startswith("Task timed out") else ""
