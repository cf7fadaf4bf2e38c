"""The launcher on a real local cloud, with a template of four small functions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local.deploy import Deployment, deploy
from infra.local.errors import RunFailedError, StationFailedError
from infra.local.ministack import CloudOptions, LocalCloud, running_cloud
from infra.local.processes import session_members
from infra.local.stepping import Pace, Stepper

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def items(cloud: LocalCloud, deployment: Deployment, table: str) -> list[str]:
    found = cloud.client("dynamodb").scan(TableName=deployment.outputs[table])["Items"]
    return sorted(item["id"]["S"] for item in found)


@contextmanager
def stack(cloud: LocalCloud, template: dict[str, Any]) -> Iterator[Deployment]:
    yield deploy(cloud, template, {"Schedules": "DISABLED"}, stack="signalbox")
    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName="signalbox")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="signalbox", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )


def test_a_step_returns_when_the_last_function_has_done_its_work(
    tiny_cloud: LocalCloud, tiny_template: dict[str, Any]
) -> None:
    moments: list[datetime] = []
    with stack(tiny_cloud, tiny_template) as deployment:
        stepper = Stepper(tiny_cloud, deployment, moments.append, Pace())
        for number in range(3):
            stepper.step(NOON + HOUR * number, after=NOON + HOUR * (number - 1))
            assert len(items(tiny_cloud, deployment, "Finished")) == number + 1
        assert items(tiny_cloud, deployment, "Finished")[0] == "2024-01-01T12:00:00Z"
        assert stepper.backlog.dead_letters() == {}
    assert moments[0] == NOON + timedelta(seconds=10)


def test_what_a_sender_holds_back_is_told_and_not_waited_for(
    tiny_cloud: LocalCloud, tiny_template: dict[str, Any]
) -> None:
    with stack(tiny_cloud, tiny_template) as deployment:
        stepper = Stepper(tiny_cloud, deployment, lambda _moment: None, Pace(patience=20))
        queue = deployment.resources["DoneQueue"]
        tiny_cloud.client("sqs").send_message(QueueUrl=queue, MessageBody='{"id": "later"}', DelaySeconds=900)
        stepper.settle()
        assert stepper.backlog.held() == {"done": 1}
        assert items(tiny_cloud, deployment, "Finished") == []


def test_what_a_reader_was_given_is_waited_for_until_it_is_done_with_it(
    tiny_cloud: LocalCloud, tiny_template: dict[str, Any]
) -> None:
    with stack(tiny_cloud, tiny_template) as deployment:
        stepper = Stepper(tiny_cloud, deployment, lambda _moment: None, Pace(patience=1))
        queue = deployment.resources["WorkQueue"]
        readers = tiny_cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        sqs = tiny_cloud.client("sqs")
        for reader in readers:
            tiny_cloud.client("lambda").update_event_source_mapping(UUID=reader["UUID"], Enabled=False)
        sqs.send_message(QueueUrl=queue, MessageBody="{}")
        assert sqs.receive_message(QueueUrl=queue)["Messages"]
        assert stepper.backlog.look().left == "1 messages in work"
        with pytest.raises(RunFailedError, match="work did not end within 1 s: 1 messages in work are left"):
            stepper.settle()


def test_a_missing_permission_names_the_function_and_the_action(
    tiny_cloud: LocalCloud, tiny_template: dict[str, Any]
) -> None:
    tiny_template["Resources"]["WorkFunction"]["Properties"]["Policies"].pop(0)
    with stack(tiny_cloud, tiny_template) as deployment:
        stepper = Stepper(tiny_cloud, deployment, lambda _moment: None, Pace(patience=20))
        with pytest.raises(StationFailedError, match="tiny_work may not dynamodb:PutItem"):
            stepper.step(NOON, after=NOON - HOUR)


def test_a_planner_that_fails_is_named(tiny_cloud: LocalCloud, tiny_template: dict[str, Any]) -> None:
    tiny_template["Resources"]["PlanFunction"]["Properties"]["Policies"].clear()
    with stack(tiny_cloud, tiny_template) as deployment:
        stepper = Stepper(tiny_cloud, deployment, lambda _moment: None, Pace(patience=20))
        with pytest.raises(StationFailedError, match="tiny_plan may not sqs:SendMessage"):
            stepper.step(NOON, after=NOON - HOUR)


def test_deploying_twice_is_accepted_and_time_to_live_is_on(
    tiny_cloud: LocalCloud, tiny_template: dict[str, Any]
) -> None:
    with stack(tiny_cloud, tiny_template) as deployment:
        again = deploy(tiny_cloud, tiny_template, {"Schedules": "DISABLED"}, stack="signalbox")
        assert again.outputs == deployment.outputs
        described = tiny_cloud.client("dynamodb").describe_time_to_live(TableName=again.outputs["Things"])
        assert described["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


def test_a_parameter_that_the_template_lacks_is_named(tiny_cloud: LocalCloud, tiny_template: dict[str, Any]) -> None:
    with pytest.raises(RunFailedError, match="Colour"):
        deploy(tiny_cloud, tiny_template, {"Colour": "green"}, stack="signalbox")


def test_a_deploy_that_fails_gives_the_reason(tiny_cloud: LocalCloud, tiny_template: dict[str, Any]) -> None:
    tiny_template["Resources"]["Broken"] = {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": 5}}
    with pytest.raises(RunFailedError, match="the deploy failed: Broken"):
        deploy(tiny_cloud, tiny_template, {"Schedules": "DISABLED"}, stack="broken")


def test_it_listens_on_loopback_alone(tiny_cloud: LocalCloud) -> None:
    listening = [
        connection.laddr
        for process in session_members(tiny_cloud.session)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {(address.ip, address.port) for address in listening} == {("127.0.0.1", tiny_cloud.port)}


def test_data_outlives_a_restart_and_no_process_does(tmp_path: Path, tiny_template: dict[str, Any]) -> None:
    options = CloudOptions(tmp_path / "logs", tmp_path / "state")
    for run in range(2):
        with running_cloud(options) as cloud:
            session, port = cloud.session, cloud.port
            deployment = deploy(cloud, tiny_template, {"Schedules": "DISABLED"})
            Stepper(cloud, deployment, lambda _moment: None, Pace()).step(NOON + HOUR * run, NOON + HOUR * (run - 1))
            assert len(items(cloud, deployment, "Finished")) == run + 1
        assert session_members(session) == []
    assert int((tmp_path / "state" / "port").read_text()) == port


def test_a_taken_port_is_said_with_what_to_do(tmp_path: Path, tiny_cloud: LocalCloud) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "port").write_text(str(tiny_cloud.port))
    with (
        pytest.raises(RunFailedError, match=f"port {tiny_cloud.port}.*make reset"),
        running_cloud(CloudOptions(tmp_path, state)),
    ):
        pass
