"""The documentation's examples of WebSocket clients, run: in this process, and in a browser."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra.assemble import ROOT
from signalbox.domain.delivery.entries import CyclePrices
from signalbox.domain.delivery.topics import price_number
from signalbox.services.post_topics import post_topics
from tests.builders import NOW, make_frame, make_price
from tests.infra.docs.browser import CHROMIUM, open_page
from tests.infra.docs.gateway import TOKEN, ClosingError, Gateway, running_gateway

EXAMPLE = ROOT / "docs" / "examples" / "follow.py"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway() as running:
        yield running


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example as a module; it does not wait between connections."""
    spec = spec_from_file_location("follow_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.02)
    return module


class Client:
    """The example's follower in a thread of its own; `got` are the numbers it told, by topic."""

    def __init__(self, example: ModuleType, gateway: Gateway, *topics: str, state: Path | None = None) -> None:
        url = f"ws://127.0.0.1:{gateway.port}"
        self.follower = example.Follower(gateway.give_token, url, list(topics), state)
        self.got: dict[str, list[int]] = {topic: [] for topic in topics}
        self.enough = threading.Event()
        self.wanted = ("", 0)
        thread = threading.Thread(target=self._run, daemon=True)
        gateway.clients.append(thread)
        thread.start()

    def _run(self) -> None:
        with suppress(ClosingError):
            for topic, number, _ in self.follower.events():
                self.got[topic].append(number)
                if (topic, number) == self.wanted:
                    self.enough.set()

    def wait_for(self, topic: str, number: int) -> list[int]:
        """Return what came of a topic, up to this number."""
        self.wanted = (topic, number)
        if number not in self.got[topic]:
            assert self.enough.wait(20), (self.got, number)
        self.enough.clear()
        return self.got[topic]


def ready(gateway: Gateway, *topics: str) -> None:
    """Wait until somebody follows these topics."""
    for _ in range(2000):
        if all(gateway.followers.following(topic) for topic in topics):
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"nobody follows {topics}")


def test_a_client_that_is_cut_off_again_and_again_gets_everything_once_and_in_order(
    example: ModuleType, gateway: Gateway
) -> None:
    client = Client(example, gateway, "signals")
    ready(gateway, "signals:pro")
    chance = random.Random(7)
    for _ in range(12):
        gateway.tell_all("signals:pro", chance.randrange(1, 30))
        if chance.random() < 0.6:
            gateway.cut_off()
            gateway.tell_all("signals:pro", chance.randrange(5))
            ready(gateway, "signals:pro")
    gateway.tell_all("signals:pro", 1)
    assert client.wait_for("signals", gateway.told) == list(range(1, gateway.told + 1))
    assert gateway.opened > 3


def test_a_price_that_nobody_posted_is_fetched_and_a_minute_without_one_is_passed_over(
    example: ModuleType, gateway: Gateway
) -> None:
    from datetime import timedelta

    client, first = Client(example, gateway, "prices:BTC/USDT"), price_number(NOW)
    ready(gateway, "prices#0")
    for minute, posted in ((0, True), (1, True), (2, False), (4, True), (5, True)):
        frame = make_frame(make_price(price=float(minute + 1)), as_of=NOW + timedelta(minutes=minute))
        gateway.frames.save(frame)
        if posted:
            post_topics([CyclePrices.of(0, frame.as_of, frame.prices)], followers=gateway.followers, poster=gateway)
    assert client.wait_for("prices:BTC/USDT", first + 5) == [first + minute for minute in (0, 1, 2, 4, 5)]


def test_a_client_that_starts_again_goes_on_where_it_was(example: ModuleType, gateway: Gateway, tmp_path: Path) -> None:
    state = tmp_path / "numbers.json"
    gateway.tell_all("signals:pro", 5)
    state.write_text(json.dumps({"signals": 2}))
    client = Client(example, gateway, "signals", "regimes", state=state)
    assert client.wait_for("signals", 5) == [3, 4, 5]
    gateway.tell_all("signals:pro", 1)
    client.wait_for("signals", 6)
    assert json.loads(state.read_text())["signals"] in {5, 6}, "written when the next is asked for"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_the_browsers_example_shows_everything_once_and_in_order_over_a_cut(gateway: Gateway, tmp_path: Path) -> None:
    with open_page((ROOT / "docs" / "examples" / "follow.html").as_uri(), tmp_path) as page:
        page.evaluate(
            f"""(() => {{
                const form = document.getElementById("form"), said = {{
                    api: "http://127.0.0.1:{gateway.port}", socket: "ws://127.0.0.1:{gateway.port}",
                    key: "sbx_key", topics: "signals prices:BTC/USDT"}};
                for (const [name, value] of Object.entries(said)) form.elements[name].value = value;
                form.requestSubmit();
            }})()"""
        )
        ready(gateway, "signals:pro", "prices#0")
        gateway.tell_all("signals:pro", 3)
        page.wait_until("document.querySelectorAll('#events li').length === 3")
        gateway.cut_off()
        gateway.tell_all("signals:pro", 2)
        ready(gateway, "signals:pro", "prices#0")
        gateway.tell_all("signals:pro", 2)
        page.wait_until("document.querySelectorAll('#events li').length === 7")
        shown = page.evaluate("[...document.querySelectorAll('#events li')].map(li => +li.dataset.sequence)")
        assert shown == [7, 6, 5, 4, 3, 2, 1]
        assert page.evaluate("document.getElementById('state').textContent") == "connected"


def test_what_is_refused_ends_the_example_with_the_reason(example: ModuleType, gateway: Gateway) -> None:
    follower = example.Follower(lambda: TOKEN, f"ws://127.0.0.1:{gateway.port}", ["prices:NOBODY/USDT"])
    with pytest.raises(SystemExit, match="refused: symbol must be one that is watched"):
        next(follower.events())


def test_a_client_that_was_forgotten_connects_again(
    example: ModuleType, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "HEARTBEAT", 0.02)
    client = Client(example, gateway, "signals")
    ready(gateway, "signals:pro")
    gateway.followers.remove("conn-1")
    ready(gateway, "signals:pro")
    gateway.tell_all("signals:pro", 1)
    assert client.wait_for("signals", 1) == [1]
    assert gateway.opened > 1


FAULTS: dict[str, dict[str, str] | None] = {
    "ours": {"type": "error", "code": "try_again", "detail": "a fault of ours that may pass: ask again"},
    "the gateway's": {"message": "Internal server error", "connectionId": "c", "requestId": "r"},
    "a lost answer": None,
}


@pytest.mark.parametrize("met", list(product(("subscribe", "resume"), FAULTS)), ids=" ".join)
def test_a_client_whose_request_meets_a_fault_connects_again(
    example: ModuleType, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, met: tuple[str, str]
) -> None:
    action, fault = met
    monkeypatch.setattr(example, "ANSWERED_WITHIN", 0.05)
    state = tmp_path / "numbers.json"
    state.write_text(json.dumps({"signals": 0}))
    gateway.tell_all("signals:pro", 3)
    gateway.faults = [(action, FAULTS[fault])] * 2
    client = Client(example, gateway, "signals", state=state)
    assert client.wait_for("signals", 3) == [1, 2, 3]
    gateway.tell_all("signals:pro", 1)
    assert client.wait_for("signals", 4) == [1, 2, 3, 4]
    assert gateway.faults == []
    assert gateway.opened >= 3


def test_a_gateway_that_lets_nobody_in_for_a_while_is_asked_again(example: ModuleType, gateway: Gateway) -> None:
    tokens = iter(["spent", "spent"])
    follower = example.Follower(lambda: next(tokens, TOKEN), f"ws://127.0.0.1:{gateway.port}", ["signals"])
    follower.topics["signals"].last = 0
    gateway.tell_all("signals:pro", 1)
    assert next(follower.events())[:2] == ("signals", 1)


def test_a_key_that_is_not_good_ends_the_example_with_the_reason(example: ModuleType, gateway: Gateway) -> None:
    with pytest.raises(SystemExit, match="refused: the API key is not valid"):
        example.token_of(f"http://127.0.0.1:{gateway.port}", "wrong")


def test_the_token_is_asked_for_with_the_key(example: ModuleType, gateway: Gateway) -> None:
    asked: Any = {}

    def remember(request: Any, timeout: float) -> Any:
        asked.update(url=request.full_url, key=request.headers["X-api-key"], method=request.method, timeout=timeout)
        raise OSError("enough")

    example.urllib.request.urlopen, kept = remember, example.urllib.request.urlopen
    try:
        with pytest.raises(OSError, match="enough"):
            example.token_of("https://api.example/live", "sbx_key")
    finally:
        example.urllib.request.urlopen = kept
    assert (asked["url"], asked["key"]) == ("https://api.example/live/signals/api/account/tokens", "sbx_key")
