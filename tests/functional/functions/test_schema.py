"""Requests that a machine thinks of, against the OpenAPI document: 500 in `make test`, 5,000 in `make prove`."""

from collections.abc import Iterator
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from signalbox import bootstrap
from signalbox.api.app import declared
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.work import Turn
from signalbox.services.accounts import make_key
from tests.builders import ended, make_signal
from tests.functional.functions.conftest import NOW, Handler
from tests.functional.functions.gateway import GatewayApplication
from tests.functional.functions.schema_run import NOT_SAID_BY_SCHEMAS, run
from tests.proof import cases

AS_OF = NOW.replace(second=0)
CASES = cases(500, 5_000)
EVERY_EDGE = 5_000
"""From so many cases on, every edge of every parameter is asked for as well: some thousand more."""


class Quiet(WSGIRequestHandler):
    """A server that does not tell of every request."""

    def log_message(self, *_told: Any) -> None:
        pass


@pytest.fixture
def credential(house: None) -> str:
    """The key of an account that may do everything, in a house where some things are."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    bootstrap.universe_repository().add(Universe(AS_OF, (Member("BTC/USDT", "binance", 0),)))
    signal = make_signal(AS_OF)
    bootstrap.signal_repository().add(signal)
    bootstrap.signal_repository().update(signal, ended(signal))
    account = Account("acc_ada", Tier.PREMIUM, "ada@example.com")
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=frozenset(Scope), accounts=accounts, now=NOW).text


@pytest.fixture
def url(handler: Handler, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The API behind a gateway on this machine."""
    from signalbox.telemetry import logger

    monkeypatch.setattr(logger, "info", lambda *_told, **_more: None)
    application = GatewayApplication(handler, lambda_context)
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.prove
def test_no_request_gets_an_answer_that_the_document_does_not_promise(credential: str, url: str) -> None:
    report = run(url, credential, CASES, every_edge=CASES >= EVERY_EDGE)

    assert report.failures == []
    assert report.cases >= CASES
    # The document itself was read to begin with.
    assert report.operations | {"GET /openapi.json"} == {f"{each.method} {each.path}" for each in declared()}


def test_every_exception_from_what_schemas_say_is_of_a_path_that_is_there() -> None:
    assert set(NOT_SAID_BY_SCHEMAS) <= {each.path for each in declared()}
