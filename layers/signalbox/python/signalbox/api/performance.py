"""`/signals/api/performance`: what every strategy came to, beside the coin; and the same as a report to print."""

import json
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.endpoint import JSON, Endpoints
from signalbox.api.figures import represent_strategy
from signalbox.api.kept import answered, kept
from signalbox.api.performance_page import render
from signalbox.api.statistics import represent_question
from signalbox.api.statistics_answers import PerformanceAnswer
from signalbox.api.statistics_inputs import PerformanceQuery, ReportFormat, ReportQuery
from signalbox.domain.caching.versions import statistics_asked
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import NULL_STRATEGY
from signalbox.services.read_statistics import strategy_records

HTML = "text/html"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

routes = Blueprint(__name__)
endpoints = Endpoints(routes)


@endpoints.add("GET", "/signals/api/performance", PerformanceAnswer, query=PerformanceQuery, is_checked=True)
def performance(query: PerformanceQuery) -> Response:
    """Return what every strategy came to. The coin is first, and each rate has the coin's beside it; an edge is shown
    only where it clears the coin after a correction for how many strategies were looked at. Every figure can be
    computed again from `/signals/history`."""
    return answered(_document(query))


@endpoints.add(
    "GET", "/signals/api/performance/report", {JSON: PerformanceAnswer, HTML: str}, query=ReportQuery, is_checked=True
)
def report(query: ReportQuery) -> Response:
    """Return the performance as JSON, or as a page to print. The page is given where `format=html` is asked for, or
    where `Accept` prefers it."""
    document = _document(query)
    accepted = routes.current_request.headers.get("accept", "")
    if query.format is ReportFormat.JSON or (query.format is None and not prefers_html(accepted)):
        return Response(body=document, headers={"Content-Type": JSON, "Vary": "Accept"})
    page: dict[str, str | list[str]] = {"Content-Type": f"{HTML}; charset=utf-8", "Content-Security-Policy": POLICY}
    return Response(body=render(json.loads(document)), headers={**page, "Vary": "Accept"})


def prefers_html(accepted: str) -> bool:
    """Return whether an `Accept` header gives HTML a higher weight than JSON, or the same and names it first."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    order = []
    for part in accepted.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        if name in weights:
            weights[name] = _weight(parameters)
            order.append(name)
    html, json = weights["text/html"], weights["application/json"]
    return html > json or (html == json > 0 and order[0] == "text/html")


def _weight(parameters: list[str]) -> float:
    for each in parameters:
        if each.startswith("q="):
            try:
                return float(each[2:])
            except ValueError:
                return 0.0
    return 1.0


def _document(query: PerformanceQuery) -> str:
    """Return the JSON text that both endpoints answer with, and keep together."""
    question = query.question()
    about = represent_question(question)
    now = bootstrap.clock().now()

    def read() -> dict[str, Any]:
        records = strategy_records(question, bootstrap.statistics_repository().reader())
        coin = records[NULL_STRATEGY]
        shown = [represent_strategy(name, record, coin) for name, record in records.items()]
        return {**about, "as_of": to_iso(now), "strategies": shown}

    return kept({"of": "performance", **about}, statistics_asked(question.since, question.until), read, now=now)
