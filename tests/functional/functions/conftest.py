"""The house of the handlers: moto's AWS with the template's tables, the local exchange, and true events."""

import json
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.local.exchange.server import LocalExchange
from signalbox import bootstrap, settings
from signalbox.adapters.aws import client
from signalbox.domain.instants import from_iso, to_ms
from tests.fakes.access import InMemoryQuotas

if TYPE_CHECKING:  # it takes events from here
    from tests.functional.functions.gate import Gate

EVENTS = Path(__file__).parents[3] / "events"
QUEUES = (
    "GENERATE",
    "REPRICE",
    "ROUTES",
    "READ_MODELS",
    "TOPICS",
    "WARM",
    "DELIVER_FREE",
    "DELIVER_PRO",
    "DELIVER_PREMIUM",
    "EXPORTS",
)
NOW = from_iso("2024-01-05T13:00:10Z")

Handler = Callable[[str], Callable[..., Any]]


@pytest.fixture(scope="session")
def exchange() -> Iterator[LocalExchange]:
    """The local exchanges at 13:00:10 on 5 January 2024, ten seconds after the candle of the events closed."""
    with LocalExchange("simulated", seed=7, now=to_ms(NOW)) as running:
        yield running


@pytest.fixture
def house(tables: None, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything that the template gives the functions, empty."""
    for name in QUEUES:
        url = client("sqs").create_queue(QueueName=name.lower())["QueueUrl"]
        monkeypatch.setenv(f"{name}_QUEUE_URL", url)
    watched = {name.lower(): os.environ[f"{name}_QUEUE_URL"] for name in QUEUES}
    watched["generate_dead_letters"] = client("sqs").create_queue(QueueName="generate_dead_letters")["QueueUrl"]
    monkeypatch.setenv("WATCHED_QUEUES", ",".join(f"{name}={url}" for name, url in watched.items()))
    values = {
        "EXCHANGES": "binance,bybit,kraken",
        "EXCHANGE_ENDPOINT": exchange.url,
        "EXCHANGE_RATE_LIMIT_MS": "1",
        "CLOCK": "market",
        "ORIGIN": "simulated",
        "MAIL_SENDER": "signals@signalbox.example",
        "PAGE_URL": "https://pages.example",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    client("s3").create_bucket(
        Bucket=os.environ["EXPORTS_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    client("ses").verify_email_identity(EmailAddress=values["MAIL_SENDER"])
    url = client("sqs").create_queue(QueueName="delivery-dead-letters")["QueueUrl"]
    monkeypatch.setenv("DELIVERY_DEAD_LETTERS_URL", url)
    for tier in ("PRO", "PREMIUM"):
        arn = client("sns").create_topic(Name=f"signals-{tier.lower()}")["TopicArn"]
        monkeypatch.setenv(f"SIGNALS_{tier}_TOPIC_ARN", arn)
    monkeypatch.setenv("API_URL", "https://api.example")
    monkeypatch.setenv("TOKEN_SECRET", "secret")
    monkeypatch.setenv("WEBSOCKET_ENDPOINT", "https://websocket.example")
    forget()
    yield
    forget()


@pytest.fixture
def handler(house: None) -> Handler:
    """The handler of a function, by the function's name."""
    return lambda name: import_module(f"functions.{name}.app").handler


def forget() -> None:
    """Let the composition root read its settings and make its adapters anew."""
    settings.settings.cache_clear()
    for made in vars(bootstrap).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


def load_event(name: str) -> dict[str, Any]:
    """The true event of a function."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def messages(queue: str) -> list[dict[str, Any]]:
    """What lies on a queue, taken off it."""
    url = os.environ[f"{queue}_QUEUE_URL"]
    found: list[dict[str, Any]] = []
    while batch := client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in batch:
            client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found


@pytest.fixture
def gate(handler: Handler, lambda_context: Any) -> "Gate":
    """The API as callers with and without credentials meet it."""
    from tests.functional.functions.gate import Gate

    return Gate(handler, lambda_context)


@pytest.fixture
def quiet_gate(gate: "Gate", monkeypatch: pytest.MonkeyPatch) -> "Gate":
    """The same for hundreds of requests, which need no log, and to count each of which takes half of their time."""
    from signalbox.telemetry import logger

    monkeypatch.setattr(logger, "info", lambda *_told, **_more: None)
    quotas = InMemoryQuotas()
    monkeypatch.setattr(bootstrap, "quota_repository", lambda: quotas)
    return gate
