"""What all tables share: one client, lazy imports, and what DynamoDB's errors mean."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from signalbox.adapters import aws
from signalbox.adapters.storage.accounts import AccountItem, DynamoAccountRepository
from signalbox.adapters.storage.dynamo import Table, call
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.adapters.storage.turns import DynamoTurnRepository
from signalbox.domain.errors import MissingSettingError, PermanentError, StorageUnavailableError
from tests.builders import NOW, make_account, make_key, make_signal

PACKAGE = Path(__file__).parents[4] / "layers" / "signalbox" / "python"
ADDRESS = "https://dynamodb.example"


class FailingClient:
    """A client whose every call raises `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def fail(**_arguments: Any) -> Any:
            raise self._error

        return fail


def service_error(code: str, status: int = 400) -> ClientError:
    reply: Any = {"Error": {"Code": code, "Message": "told so"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "Query")


def test_every_model_works_through_one_client(tables: None):
    DynamoAccountRepository().put(make_account(), make_key())
    DynamoSignalRepository().add(make_signal())

    clients = {id(model._get_connection().connection.client) for model in Table.__subclasses__()}

    assert clients == {id(aws.client("dynamodb"))}


def test_the_user_agent_is_spelled_once_and_not_for_each_call(tables: None):
    sent: list[str] = []
    aws.client("dynamodb").meta.events.register(
        "before-send.dynamodb", lambda request, **_: sent.append(request.headers["User-Agent"].decode())
    )

    DynamoAccountRepository().put(make_account(), make_key())

    assert set(sent) == {aws.session().user_agent()}


def test_a_new_client_reaches_models_that_knew_another(tables: None):
    before = AccountItem._get_connection().connection.client

    aws.client.cache_clear()

    assert AccountItem._get_connection().connection.client is aws.client("dynamodb")
    assert aws.client("dynamodb") is not before


@pytest.mark.parametrize(
    "error",
    [
        service_error("ProvisionedThroughputExceededException"),
        service_error("ThrottlingException"),
        service_error("RequestLimitExceeded"),
        service_error("InternalServerError", 500),
        service_error("SomethingNew", 503),
        EndpointConnectionError(endpoint_url=ADDRESS),
        ConnectTimeoutError(endpoint_url=ADDRESS),
        ReadTimeoutError(endpoint_url=ADDRESS),
    ],
    ids=lambda error: error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__,
)
def test_what_may_succeed_later_is_transient_for_reads_and_model_writes(use_client, error):
    use_client(FailingClient(error))

    with pytest.raises(StorageUnavailableError, match="Query on test-signals failed"):
        DynamoSignalRepository().of_symbol("BTC/USDT", NOW, NOW)
    with pytest.raises(StorageUnavailableError, match="PutItem on test-accounts failed"):
        DynamoAccountRepository().put(make_account(), make_key())


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFoundException", "AccessDeniedException"])
def test_what_will_fail_again_is_permanent_and_says_why(use_client, code: str):
    use_client(FailingClient(service_error(code)))

    with pytest.raises(PermanentError, match=code):
        DynamoSignalRepository().add(make_signal())


def test_keys_that_dynamodb_left_unread_are_not_taken_for_absent(use_client):
    class Throttled:
        def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - botocore's name
            return {"Responses": {name: [] for name in RequestItems}, "UnprocessedKeys": RequestItems}

    use_client(Throttled())

    with pytest.raises(StorageUnavailableError, match="left some of 12 keys unread"):
        DynamoTurnRepository().latest()


def test_a_table_that_this_function_was_not_given_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SIGNALS_TABLE")

    with pytest.raises(MissingSettingError, match="SIGNALS_TABLE"):
        DynamoSignalRepository().get(make_signal().signal_id)


def test_a_low_level_call_gives_the_reply(tables: None):
    assert call("DescribeTable", {"TableName": "test-signals"})["Table"]["TableName"] == "test-signals"


def printed_by(program: str) -> str:
    """What a fresh interpreter prints that knows nothing but our package."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(PACKAGE)}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["ports", "adapters.storage.signals", "adapters.storage.stream", "adapters.queues"])
def test_functions_without_candles_load_neither_numpy_nor_ccxt(module: str):
    heavy = printed_by(f"import sys, signalbox.{module}; print({{'numpy', 'ccxt', 'boto3'}} & set(sys.modules))")

    assert heavy == "set()"


def test_importing_the_tables_makes_no_client_and_reads_no_environment():
    made = printed_by(
        "import signalbox.adapters.storage.signals, signalbox.adapters.storage.deliveries; "
        "from signalbox.adapters import aws; "
        "print(aws.client.cache_info().currsize, aws.session.cache_info().currsize)"
    )

    assert made == "0 0"
