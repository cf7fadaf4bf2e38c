"""History, search, cached answers and exports of a system that lived, through the real gateway under IAM."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from infra.local.house import House
from signalbox.domain.history.export import ExportFormat
from signalbox.domain.history.export_reader import read_records
from tests.e2e.conftest import Walk

SPAN = {"from": "2023-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
FEWEST = 8
"""Signals that paging and searching need."""
FINISHED_WITHIN = 60.0
"""Seconds for an export of some signals, with the start of its worker."""


@pytest.fixture(scope="module")
def recorded(walk: Walk, cloud: House) -> list[dict[str, Any]]:
    """Every signal of the history, newest first; turns are lived through until there are enough."""
    with httpx.Client(base_url=cloud.api_url, headers={"x-api-key": cloud.key}, timeout=30, trust_env=False) as client:
        for _ in range(12):
            found = whole(client)
            if len(found) >= FEWEST:
                return found
            walk.step(4)
    raise AssertionError(f"the market must give {FEWEST} signals in two days, gave {len(found)}")


def whole(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    """Every signal of a query, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = asked(client, **{"limit": "200", **query, **cursor})
        found += page["signals"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def asked(client: httpx.Client, **query: str) -> dict[str, Any]:
    answer = client.get("/signals/history", params={**SPAN, **query})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def ids(signals: list[dict[str, Any]]) -> list[str]:
    return [signal["id"] for signal in signals]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["created_at", "quality"])
def test_small_pages_are_the_whole_in_the_order_asked_for(
    recorded: list[dict[str, Any]], api: httpx.Client, sort: str, order: str
) -> None:
    paged = whole(api, sort=sort, order=order, limit="3")
    key = {"created_at": "created_at", "quality": "quality_score"}[sort]
    assert sorted(ids(paged)) == sorted(ids(recorded))
    assert [each[key] for each in paged] == sorted((each[key] for each in paged), reverse=order == "desc")


def test_conditions_and_words_find_what_a_look_at_everything_finds(
    recorded: list[dict[str, Any]], api: httpx.Client
) -> None:
    one = recorded[len(recorded) // 2]
    base = one["symbol"].partition("/")[0]
    wanted = [s for s in recorded if (s["symbol"], s["strategy"]) == (one["symbol"], one["strategy"])]
    assert ids(whole(api, q=f"{base} {one['strategy']}")) == ids(wanted)
    assert ids(whole(api, q=f"symbol:{one['symbol'].lower()} strategy:{one['strategy']}")) == ids(wanted)
    assert ids(whole(api, symbol=one["symbol"], strategy=one["strategy"])) == ids(wanted)
    lowest = sorted(signal["quality_score"] for signal in recorded)[len(recorded) // 2]
    best = [signal for signal in recorded if signal["quality_score"] >= lowest]
    assert ids(whole(api, q=f"quality>={lowest!r}")) == ids(best)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"q": "strategy:brekout"}, "q", "at character 10: no strategy is called 'brekout'; did you mean 'breakout'?"),
        ({"q": "stauts:open"}, "q", "did you mean 'status'?"),
        ({"qualty_min": "5"}, "qualty_min", "did you mean 'quality_min'?"),
        ({"from": "yesterday"}, "from", "yesterday"),
        ({"limit": "100000"}, "limit", "200"),
        ({"cursor": "bm9uc2Vuc2U"}, "cursor", "this query's previous page"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(
    walk: Walk, api: httpx.Client, query: dict[str, str], field: str, words: str
) -> None:
    answer = api.get("/signals/history", params=query)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (400, field)
    assert words in error["detail"]


def test_a_parameter_given_twice_is_refused(walk: Walk, api: httpx.Client) -> None:
    answer = api.get("/signals/history", params=[("limit", "1"), ("limit", "2")])
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "limit", "detail": "must be given once, was given 2 times"}]


def test_a_cursor_is_good_for_its_own_query_alone(recorded: list[dict[str, Any]], api: httpx.Client) -> None:
    cursor = asked(api, limit="2")["next"]
    middle = len(cursor) // 2
    mangled = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for query in ({"cursor": mangled}, {"cursor": cursor, "sort": "quality"}, {"cursor": cursor, "order": "asc"}):
        answer = api.get("/signals/history", params={**SPAN, **query})
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


def test_an_unchanged_answer_is_told_in_its_headers_alone(recorded: list[dict[str, Any]], api: httpx.Client) -> None:
    query = {**SPAN, "limit": "5"}
    first = api.get("/signals/history", params=query)
    again = api.get("/signals/history", params=query)
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]
    assert int(again.headers["age"]) >= 0, "kept since the first answer"
    same = api.get("/signals/history", params=query, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert "private" in same.headers["cache-control"]
    other = api.get(
        "/signals/history", params={**query, "limit": "4"}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert other.status_code == 200


def exported(client: httpx.Client, form: ExportFormat) -> httpx.Response:
    return client.get("/signals/history/export", params={**SPAN, "format": str(form)})


def records(form: ExportFormat, text: str) -> list[dict[str, Any]]:
    return list(read_records(form, io.StringIO(text, newline="")))


def test_a_small_export_is_the_same_history_in_every_format(recorded: list[dict[str, Any]], api: httpx.Client) -> None:
    answers = {form: exported(api, form) for form in ExportFormat}
    for form, answer in answers.items():
        assert (answer.status_code, answer.headers["content-type"]) == (200, form.media_type)
        assert answer.headers["x-content-sha256"] == sha256(answer.content).hexdigest()
        assert answer.headers["x-row-count"] == str(len(recorded))
    one, *others = (records(form, answer.text) for form, answer in answers.items())
    assert all(other == one for other in others)
    assert ids(one) == ids(recorded)
    assert [row["entry_price"] for row in one] == [signal["entry_price"] for signal in recorded]
    rows = csv.DictReader(io.StringIO(answers[ExportFormat.CSV].text, newline=""))
    assert [row["id"] for row in rows] == ids(recorded)
    assert ids(json.loads(answers[ExportFormat.JSON].text)) == ids(recorded)


@pytest.fixture
def nothing_is_small(cloud: House, root: Callable[[str], Any]) -> Iterator[None]:
    """The API with a limit that every export is beyond, until the test is over."""
    functions, name = root("lambda"), cloud.deployment.resources["ApiFunction"]
    given = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    low = {**given, "EXPORT_ANSWER_BYTES": "100"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": low})
    yield
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": given})


def test_a_large_export_is_a_job_whose_file_anybody_with_its_link_can_fetch(
    recorded: list[dict[str, Any]], api: httpx.Client, nothing_is_small: None
) -> None:
    begun = exported(api, ExportFormat.JSONL)
    job = begun.json()
    assert (begun.status_code, job["status"], job["url"]) == (202, "QUEUED", None)
    place = begun.url.join(begun.headers["location"])
    ready = finished(api, place)

    with httpx.Client(trust_env=False) as anybody:
        file = anybody.get(ready["url"])
        assert anybody.get(place).status_code == 404, "the job itself is its account's alone"
    assert (file.status_code, len(file.content)) == (200, ready["bytes"])
    assert ready["sha256"] == sha256(file.content).hexdigest()
    assert ready["rows"] == len(recorded)
    assert ids(records(ExportFormat.JSONL, file.text)) == ids(recorded)
    assert "attachment" in file.headers["content-disposition"]


def finished(client: httpx.Client, place: httpx.URL) -> dict[str, Any]:
    """What is said of an export once it is over."""
    deadline = time.monotonic() + FINISHED_WITHIN
    while time.monotonic() < deadline:
        answer = client.get(place)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        if told["status"] not in {"QUEUED", "RUNNING"}:
            assert told["status"] == "READY", told
            return told
        time.sleep(0.5)
    raise AssertionError(f"an export must be over after {FINISHED_WITHIN} s, is {told['status']}")
