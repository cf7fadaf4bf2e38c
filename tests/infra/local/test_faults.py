import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from infra.local.fault_proxy import FaultProxy, running_proxy
from infra.local.faults import Fault, FaultRule, FaultRules, target_of
from signalbox.domain.errors import InvalidValueError

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host"
PUT_ITEM = {"Authorization": SIGNED, "X-Amz-Target": "DynamoDB_20120810.PutItem"}


class Upstream(ThreadingHTTPServer):
    """Remembers what reached it: (method, path, host, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), UpstreamHandler)
        self.seen: list[tuple[str, str, str, bytes]] = []


class UpstreamHandler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, self.headers["Host"], body))
        reply = json.dumps({"number": len(self.server.seen)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.send_header("X-Upstream", "yes")
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    address = f"http://127.0.0.1:{upstream.server_address[1]}"
    with running_proxy(FaultProxy(0, address, f"{address}/market")) as running:
        yield running


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.endpoint, trust_env=False, timeout=5) as made:
        yield made


def test_without_a_rule_everything_passes_unchanged(client: httpx.Client, upstream: Upstream) -> None:
    reply = client.post("/a?b=1&c=%2F", content=b"body", headers={**PUT_ITEM, "Host": "api.example:99"})
    assert (reply.json(), reply.headers["X-Upstream"]) == ({"number": 1}, "yes")
    assert upstream.seen == [("POST", "/a?b=1&c=%2F", "api.example:99", b"body")]


def test_exchanges_are_reached_below_their_prefix(client: httpx.Client, upstream: Upstream, proxy: FaultProxy) -> None:
    reply = client.get(f"{proxy.exchange_endpoint}/binance/api/v3/time")
    assert reply.status_code == 200
    assert upstream.seen[0][1] == "/market/binance/api/v3/time"


def test_a_throttled_call_looks_as_dynamodb_says_it(
    client: httpx.Client, upstream: Upstream, proxy: FaultProxy
) -> None:
    proxy.rules.add(FaultRule(target="dynamodb:PutItem", fault=Fault.THROTTLE, times=1))
    refused = client.post("/", headers=PUT_ITEM)
    assert (refused.status_code, refused.json()["__type"]) == (400, "ProvisionedThroughputExceededException")
    assert upstream.seen == []
    assert client.post("/", headers=PUT_ITEM).status_code == 200


def test_a_throttled_exchange_says_when_to_come_back(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.rules.add(FaultRule(target="exchange:kraken", fault=Fault.THROTTLE, seconds=3))
    refused = client.get("/_exchange/kraken/0/public/Time")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert client.get("/_exchange/binance/api/v3/time").status_code == 200


def test_a_lost_reply_was_carried_out(client: httpx.Client, upstream: Upstream, proxy: FaultProxy) -> None:
    proxy.rules.add(FaultRule(target="dynamodb:*", fault=Fault.LOST_REPLY))
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/", headers=PUT_ITEM)
    assert len(upstream.seen) == 1


def test_a_timed_out_call_was_not_carried_out(client: httpx.Client, upstream: Upstream, proxy: FaultProxy) -> None:
    proxy.rules.add(FaultRule(target="dynamodb:*", fault=Fault.TIMEOUT, seconds=0.05))
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/", headers=PUT_ITEM)
    assert upstream.seen == []


def test_a_duplicate_arrives_twice_and_is_answered_once(
    client: httpx.Client, upstream: Upstream, proxy: FaultProxy
) -> None:
    proxy.rules.add(FaultRule(target="dynamodb:*", fault=Fault.DUPLICATE))
    assert client.post("/", headers=PUT_ITEM).json() == {"number": 1}
    assert len(upstream.seen) == 2


def test_whoever_asks_is_killed_after_it_was_carried_out_and_before_they_know(
    upstream: Upstream, proxy: FaultProxy
) -> None:
    proxy.rules.add(FaultRule(target="unsigned:*", fault=Fault.KILL))
    asking = f"import urllib.request as r; r.urlopen('{proxy.endpoint}/send', data=b'x')"
    assert subprocess.run([sys.executable, "-c", asking], check=False).returncode == -signal.SIGKILL  # noqa: S603 - above
    assert len(upstream.seen) == 1


def test_a_late_reply_comes_late(client: httpx.Client, proxy: FaultProxy) -> None:
    proxy.rules.add(FaultRule(target="dynamodb:*", fault=Fault.LATE_REPLY, seconds=0.2))
    began = time.monotonic()
    assert client.post("/", headers=PUT_ITEM).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_rules_are_added_counted_and_lifted_over_http(client: httpx.Client) -> None:
    client.post("/_faults", json={"target": "dynamodb:*", "fault": "error"})
    assert client.post("/", headers=PUT_ITEM).status_code == 500
    assert client.get("/_faults").json() == {"applied": {"error dynamodb:*": 1}}
    client.delete("/_faults")
    assert client.post("/", headers=PUT_ITEM).status_code == 200


def test_a_rule_that_is_none_is_refused(client: httpx.Client) -> None:
    reply = client.post("/_faults", json={"target": "dynamodb:*", "fault": "sulk"})
    assert reply.status_code == 400
    assert "sulk" in reply.json()["message"]


def test_probability_by_seed_is_the_same_each_time() -> None:
    def drawn() -> list[bool]:
        rules = FaultRules()
        rules.add(FaultRule(target="sqs:*", fault=Fault.ERROR, probability=0.3, seed=5))
        return [rules.take("sqs:SendMessage") is not None for _ in range(200)]

    assert drawn() == drawn()
    assert 30 <= sum(drawn()) <= 90


@pytest.mark.parametrize(
    "wrong", [{"target": "sqs"}, {"probability": 0.0}, {"probability": 1.5}, {"times": 0}, {"seconds": -1.0}]
)
def test_a_rule_outside_its_definition_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError):
        FaultRule.from_message({"target": "sqs:*", "fault": "error", **wrong})


def test_a_call_without_a_target_header_is_named_by_method_and_path() -> None:
    headers = {"authorization": SIGNED.replace("dynamodb", "ses")}
    assert target_of("POST", "/v2/email/outbound-emails?x=1", headers) == "ses:POST /v2/email/outbound-emails"
