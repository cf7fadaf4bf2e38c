"""One run of schemathesis over an API that is up: everything it generates, checked by everything it can check."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events

NOT_SAID_BY_SCHEMAS = {
    "/signals/api/signals": "cursors are signed, and ranges have an order",
    "/signals/history": "cursors are signed, the search has a grammar, and ranges have an order",
    "/signals/history/export": "the search has a grammar, and ranges have an order",
    "/signals/api/alerts": "each kind has fields of its own, and a symbol must be watched",
    "/signals/api/alerts/{alert_id}": "each kind has fields of its own, and a symbol must be watched",
    "/signals/api/statistics": "cuts exclude each other, and spans are bounded",
    "/signals/api/performance": "spans are bounded",
    "/signals/api/performance/report": "spans are bounded",
    "/signals/api/candles": "spans are bounded, and a span and a limit exclude each other",
    "/signals/api/regimes": "moments lie from 1970 to 2200",
    "/signals/api/sentiment": "moments lie from 1970 to 2200",
    "/signals/api/deliveries": "moments lie from 1970 to 2200, and spans are bounded",
    "/signals/api/deliveries/receipt": "moments lie from 1970 to 2200, and spans are bounded",
    "/signals/api/sign-in": "an address has rules that no short pattern says",
    "/signals/api/sign-in/confirm": "the token was mailed, and is good once",
    "/signals/api/subscriptions": "addresses, texts and time zones have rules that no short pattern says",
    "/signals/api/subscriptions/{subscription_id}": "as above",
    "/signals/api/subscriptions/confirm": "the token was mailed, and is good once",
    "/signals/api/devices": "a name has rules that no short pattern says, and SNS takes tokens of its platform only",
    "/signals/api/account/keys": "a label has rules that no short pattern says",
}
"""Paths where a request that fits its schema may be refused all the same, with 400: positive_data_acceptance is off."""


SPARE = 1.1
"""Some operations have fewer different requests than their share of the cases: the others make up for them."""


@dataclass
class Report:
    """What a run came to."""

    cases: int = 0
    operations: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


def run(url: str, credential: str, cases: int, *, every_edge: bool) -> Report:
    """Ask the API at `url` at least `cases` times; with `every_edge`, every edge of every parameter too.

    Each case is asked as whoever `credential` belongs to, and by `ignored_auth` as nobody too. Stateful runs are off:
    no operation links to another.
    """
    report = Report()
    schema = _load(url, credential, cases, every_edge=every_edge)
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            report.cases += len(event.recorder.cases)
            report.operations.add(str(event.recorder.label))
            report.failures += _failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            report.failures.append(f"error: {getattr(event, 'label', '')} {getattr(event, 'value', event)}")
    return report


def _load(url: str, credential: str, cases: int, *, every_edge: bool) -> Any:
    first = schemathesis.openapi.from_url(f"{url}/openapi.json")
    count = sum(1 for _ in first.get_all_operations())
    config = SchemathesisConfig.from_dict(
        {
            "base-url": f"{url}/",
            "seed": 20240105,
            "continue-on-failure": True,
            "headers": {"X-Api-Key": credential},
            "generation": {"max-examples": ceil(SPARE * cases / count)},
            "phases": {"coverage": {"enabled": every_edge}, "stateful": {"enabled": False}},
            "operations": [
                {"include-path": path, "checks": {"positive_data_acceptance": {"enabled": False}}}
                for path in NOT_SAID_BY_SCHEMAS
            ],
        }
    )
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)
    schema.validate()
    return schema


def _failures(event: events.ScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                answered = event.recorder.interactions[case_id].response
                shown = f"{answered.status_code} {answered.text[:300]}" if answered else "no answer"
                failure = check.failure_info
                yield f"{check.name}: {failure.failure.message[:300]}\n  {failure.code_sample[:500]}\n  {shown}"
