"""`/signals/api/statistics`: what signals came to, by period and cut, beside what the coin's came to."""

from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.endpoint import Endpoints
from signalbox.api.figures import COIN, has_ended, represent_row
from signalbox.api.statistics_answers import StatisticsAnswer
from signalbox.api.statistics_inputs import StatisticsQuery
from signalbox.domain.signals.signal import RULES_VERSION
from signalbox.services.read_statistics import Question, group_statistics

routes = Blueprint(__name__)
endpoints = Endpoints(routes)


@endpoints.add("GET", "/signals/api/statistics", StatisticsAnswer, query=StatisticsQuery)
def statistics(query: StatisticsQuery) -> dict[str, Any]:
    """Return what signals came to. A row per group, or one for all; R are net of costs, ties count as stops. Each row
    has the coin's figures of the same group as `base`. Below 30 signals a rate is marked as too few. Every tier sees
    the same: open signals are in no figure."""
    question = query.question()
    rows = group_statistics(question, query.group_by, bootstrap.statistics_repository().reader())
    shown = [row for row in rows if query.group_by is None or has_ended(row.own)]
    return {**represent_question(question), "group_by": query.group_by, "rows": [represent_row(row) for row in shown]}


def represent_question(question: Question) -> dict[str, Any]:
    """Return what an answer is about."""
    return {
        "origin": question.origin,
        "from": question.since.isoformat(),
        "to": question.until.isoformat(),
        "strategy": question.strategy,
        "timeframe": question.timeframe,
        "rules_version": RULES_VERSION,
        "base": COIN,
    }
