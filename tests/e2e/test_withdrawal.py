"""An operator withdraws a signal of the running system: it ends at once, and who followed it is told why."""

from collections.abc import Callable
from datetime import datetime

import httpx

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House
from infra.withdraw import moment
from signalbox.adapters.storage.signal_changes import DynamoSignalChanges
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.adapters.storage.turns import DynamoTurnRepository
from signalbox.services.withdraw_signal import withdraw_signal
from tests.e2e.conftest import Walk

REASON = "the exchange halted withdrawals"


def open_signal(api: httpx.Client, step_turns: Callable[[int], list[datetime]]) -> str:
    """Return the id of the newest open signal, living on until there is one."""
    for _ in range(24):
        step_turns(1)
        shown = api.get("/signals/history", params={"status": "OPEN", "limit": 1}).json()["signals"]
        if shown:
            return str(shown[0]["id"])
    raise AssertionError("there must be an open signal after a day of turns, there was none")


def test_a_withdrawn_signal_ends_once_and_is_told_with_the_reason(
    walk: Walk, cloud: House, api: httpx.Client, step_turns: Callable[[int], list[datetime]]
) -> None:
    signal_id = open_signal(api, step_turns)
    with as_function(cloud.cloud, table_settings(cloud.deployment)):
        signals, changes = DynamoSignalRepository(), DynamoSignalChanges()
        now = moment(signals, DynamoTurnRepository(), signal_id)
        for _ in range(2):
            withdraw_signal(signal_id, REASON, signals=signals, changes=changes, now=now)
    cloud.stepper.settle()
    step_turns(1)

    shown = api.get(f"/signals/api/signals/{signal_id}").json()
    assert (shown["status"], shown["ending"]["r"]) == ("INVALIDATED", None)
    assert datetime.fromisoformat(shown["ending"]["ended_at"]) == now
    assert [record["withdrawn"] for record in shown["revisions"] if record["kind"] == "ended"] == [REASON]
    told = [mail for mail in cloud.cloud.mailbox() if REASON in mail["BodyText"]]
    assert len(told) == 1
    assert signal_id in told[0]["BodyText"]
    assert not cloud.stepper.backlog.dead_letters()
