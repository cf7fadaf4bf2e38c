"""A fake AWS account around every test. The environment is set before anything of ours is imported."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

TABLES = (
    "SIGNALS_TABLE",
    "POSTINGS_TABLE",
    "SUPPRESSIONS_TABLE",
    "CANDLES_TABLE",
    "PRICE_FRAMES_TABLE",
    "PRICE_HISTORY_TABLE",
    "UNIVERSE_TABLE",
    "EXCHANGE_BUDGETS_TABLE",
    "TURNS_TABLE",
    "ACCOUNTS_TABLE",
    "KEYS_TABLE",
    "TOKENS_TABLE",
    "QUOTAS_TABLE",
    "SUBSCRIPTIONS_TABLE",
    "DELIVERIES_TABLE",
    "DEVICES_TABLE",
    "CONNECTIONS_TABLE",
    "EXPORTS_TABLE",
    "ALERTS_TABLE",
    "REGIMES_TABLE",
    "TOPIC_LOG_TABLE",
    "SENTIMENT_TABLE",
    "NEWS_TABLE",
    "STATISTICS_TABLE",
    "CACHE_TABLE",
)
"""The settings that name tables; tests/architecture/test_tables.py holds them against the template."""

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_REGION="eu-central-1",
    # Else botocore puts the account into the host name of a table's stream, where moto does not look.
    AWS_ACCOUNT_ID_ENDPOINT_MODE="disabled",
    TOKEN_SECRET="tokens of the tests",
    API_URL="https://api.example/live",
    EXPORTS_BUCKET="test-exports",
    MAIL_EVENTS="test-mail",
    POWERTOOLS_SERVICE_NAME="signalbox",
    POWERTOOLS_METRICS_NAMESPACE="signalbox",
    POWERTOOLS_TRACE_DISABLED="true",
    **{setting: f"test-{setting.removesuffix('_TABLE').lower()}" for setting in TABLES},
)
for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CURSOR_SECRET"):
    os.environ.pop(name, None)

import pytest  # noqa: E402 - the environment comes first


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one worker run all tests that share a local cloud: two clouds on two cores take longer than one.

    By path, since xdist's own groups do nothing under pytest 9.2, where it can no longer rename a test.
    """
    from xdist.scheduler import LoadScopeScheduling

    class CloudsTogether(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next(
                (folder for folder in ("tests/e2e/", "tests/infra/local/") if nodeid.startswith(folder)), nodeid
            )

    return CloudsTogether(config, log)


@pytest.fixture(scope="session")
def moto_session() -> Iterator[None]:
    """A botocore session made after moto was imported, which is when moto gets its hands on one."""
    import moto  # noqa: F401 - imported for that effect

    from signalbox.adapters.aws import forget
    from tests.quick_moto import quicken

    forget()
    with pytest.MonkeyPatch.context() as patch:
        quicken(patch)
        yield


@pytest.fixture
def aws(moto_session: None) -> Iterator[None]:
    """An empty AWS account inside this process, and none of the clients that knew another."""
    from moto import mock_aws

    from signalbox.adapters.aws import client

    with mock_aws():
        client.cache_clear()
        yield
    client.cache_clear()


@pytest.fixture
def use_client(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Let every AWS client be the given one, for answers that no emulator gives: `use_client(Throttled())`."""
    from signalbox.adapters import aws as clients

    def use(client: Any) -> None:
        monkeypatch.setattr(clients, "client", lambda *_service, **_options: client)

    return use


@pytest.fixture
def one_call_at_a_time(tables: None, use_client: Callable[[Any], None]) -> None:
    """Let workers in threads share the tables: DynamoDB makes each call whole, moto does not by itself."""
    from threading import Lock

    from signalbox.adapters.aws import client

    class InTurn:
        def __init__(self, inner: Any) -> None:
            self._inner, self._lock = inner, Lock()

        def __getattr__(self, name: str) -> Any:
            def ask(**arguments: Any) -> Any:
                with self._lock:
                    return getattr(self._inner, name)(**arguments)

            return ask

    use_client(InTurn(client("dynamodb")))


TABLE_PARTS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "BillingMode")


@cache
def template_tables() -> dict[str, dict[str, Any]]:
    """Return what `create_table` needs of each table in the template, by the setting that names it."""
    from infra.assemble import assemble

    return {
        _setting(logical_id): {
            part: resource["Properties"][part] for part in TABLE_PARTS if part in resource["Properties"]
        }
        for logical_id, resource in assemble()["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


@pytest.fixture
def tables(aws: None) -> None:
    """The template's tables, empty. Each is made when a test first names it: moto takes its time over two dozen."""
    from threading import Lock

    from signalbox.adapters.aws import client, session
    from tests.strict_moto import refuse_upside_down

    # A client of its own, so that a test which counts the calls of its adapter never counts the making of a table.
    maker = session().create_client("dynamodb")
    missing = {os.environ[setting]: definition for setting, definition in template_tables().items()}
    lock = Lock()

    def make(params: dict[str, Any], **_: Any) -> None:
        # Whoever comes second in another thread waits until the table is there, not only until it is begun.
        with lock:
            for name in _tables_in(params):
                if name in missing:
                    maker.create_table(TableName=name, **missing.pop(name))

    events = client("dynamodb").meta.events
    events.register("provide-client-params.dynamodb.*", make)
    events.register("provide-client-params.dynamodb.Query", refuse_upside_down)


def _tables_in(params: dict[str, Any]) -> list[str]:
    parts = (part for item in params.get("TransactItems", ()) for part in item.values())
    return [part["TableName"] for part in (params, *parts) if "TableName" in part] + list(
        params.get("RequestItems", ())
    )


@dataclass(frozen=True)
class FakeLambdaContext:
    """What Powertools reads of a Lambda context."""

    function_name: str = "signalbox-test"
    function_version: str = "1"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:signalbox-test"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time a function has left, in ms."""
        return 30_000


@pytest.fixture
def lambda_context() -> FakeLambdaContext:
    """The context of an invocation with half a minute left."""
    return FakeLambdaContext()


def _setting(logical_id: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).upper()
