"""`/signals/api/statistics`: what signals came to, by period and cut, beside what the coin's came to."""

from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.endpoint import Endpoints
from signalbox.api.figures import COIN, has_ended, represent_row
from signalbox.api.kept import answered, kept
from signalbox.api.problems import refused
from signalbox.api.statistics_answers import StatisticsAnswer
from signalbox.api.statistics_inputs import StatisticsQuery
from signalbox.domain.caching.versions import statistics_asked
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import RULES_VERSION
from signalbox.services.read_statistics import Question, group_statistics

routes = Blueprint(__name__)
endpoints = Endpoints(routes)


@endpoints.add("GET", "/signals/api/statistics", StatisticsAnswer, query=StatisticsQuery, is_checked=True)
def statistics(query: StatisticsQuery) -> Response:
    """Return what signals came to. A row per group, or one for all; R are net of costs, ties count as stops. Each row
    has the coin's figures of the same group as `base`. Below 30 signals a rate is marked as too few. Every tier sees
    the same: open signals are in no figure."""
    question = query.question()
    about = {**represent_question(question), "group_by": query.group_by}

    def read() -> dict[str, Any]:
        try:
            rows = group_statistics(question, query.group_by, bootstrap.statistics_repository().reader())
        except InvalidValueError as e:
            raise refused("group_by", str(e)) from e
        shown = [row for row in rows if query.group_by is None or has_ended(row.own)]
        return {**about, "rows": [represent_row(row) for row in shown]}

    asked = {"of": "statistics", **about, "cut": question.cut, "value": question.value}
    rests_on = statistics_asked(question.since, question.until)
    return answered(kept(asked, rests_on, read, now=bootstrap.clock().now()))


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
