"""Logger and metrics, made once. Services return reports; handlers publish them here, a line and a metric a field."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(log_uncaught_exceptions=True)
metrics = Metrics()


def publish(report: Any) -> None:
    """Write one log line with the fields of a service's report, and each number in it as a count."""
    fields = asdict(report)
    logger.info(type(report).__name__, extra=fields)
    for name, value in fields.items():
        if isinstance(value, int | float):
            metrics.add_metric(name=_camel(name), unit=MetricUnit.Count, value=value)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
