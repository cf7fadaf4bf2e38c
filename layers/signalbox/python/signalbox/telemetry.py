"""Logger and metrics, made once. Services return reports; handlers publish them here, a line and a metric a field."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

logger = Logger(log_uncaught_exceptions=True)
metrics = Metrics()


def publish(report: Any) -> None:
    """Write one log line with the fields of a service's report, and each number in it as a count."""
    fields = asdict(report)
    logger.info(type(report).__name__, extra=fields)
    for name, value in fields.items():
        if isinstance(value, int | float):
            unit = MetricUnit.Seconds if name.endswith("_seconds") else MetricUnit.Count
            metrics.add_metric(name=_camel(name), unit=unit, value=value)


def publish_cache(grown: Mapping[str, float]) -> None:
    """Write what grew of a worker's cache figures as metrics."""
    for name, value in grown.items():
        unit = MetricUnit.Seconds if name.endswith("_seconds") else MetricUnit.Count
        metrics.add_metric(name=f"Cache{_camel(name)}", unit=unit, value=value)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def publish_latencies(latencies: Mapping[tuple[str, str], Sequence[float]]) -> None:
    """Write the seconds that deliveries took, by channel and tier: each one, so that percentiles can be asked for."""
    for (channel, tier), seconds in latencies.items():
        own = EphemeralMetrics()
        own.add_dimension(name="channel", value=channel)
        own.add_dimension(name="tier", value=tier)
        for each in seconds:
            own.add_metric(name="DeliverySeconds", unit=MetricUnit.Seconds, value=each)
        own.flush_metrics()
