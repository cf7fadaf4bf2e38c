"""A stub exchange per test, and the means to open an adapter on it."""

from collections.abc import Callable, Iterator

import pytest

from signalbox.adapters.exchanges.candle_paging import CandlePaging
from signalbox.adapters.exchanges.ccxt_client import open_client
from signalbox.adapters.exchanges.ccxt_exchange import CcxtExchange
from signalbox.adapters.exchanges.factory import BY_WINDOW
from signalbox.adapters.exchanges.retrying import BanList, Retrying
from tests.functional.adapters.exchanges.stub_exchange import StubExchange, running_stub

OpenStub = Callable[..., CcxtExchange]

PAGE_SIZES = {"binance": 1000, "bybit": 1000, "kraken": 720, "okx": 300}


@pytest.fixture
def stub() -> Iterator[StubExchange]:
    with running_stub() as running:
        yield running


@pytest.fixture
def open_stub(stub: StubExchange) -> OpenStub:
    """Open an exchange on the stub whose retries wait for nobody."""

    def open_on_stub(
        exchange_id: str, *, timeout_ms: int = 5000, rate_limit_ms: int = 0, bans: BanList | None = None, **changes
    ) -> CcxtExchange:
        client = open_client(exchange_id, endpoint=stub.endpoint, rate_limit_ms=rate_limit_ms, timeout_ms=timeout_ms)
        paging = CandlePaging(PAGE_SIZES.get(exchange_id, 100), exchange_id in BY_WINDOW)
        retrying = Retrying(bans=bans or BanList(), sleep=lambda _: None, draw=lambda: 0.0, patience=0.0)
        return CcxtExchange(client, paging, retrying, **changes)

    return open_on_stub
