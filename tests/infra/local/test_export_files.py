"""Files of exports on the local cloud: the template's bucket, our store, and a link that opens."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from samtranslator.yaml_helper import yaml_parse

from infra.assemble import ROOT
from infra.local.ministack import LocalCloud
from signalbox.adapters import aws
from signalbox.adapters.object_store import S3ObjectStore
from signalbox.domain.errors import UploadLostError

PART = b"0123456789abcdef" * (5 * 1024 * 1024 // 16)


@pytest.fixture
def bucket(tiny_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The bucket of infra/exports.yaml, deployed, and clients that find it."""
    resources = yaml_parse(Path(ROOT / "infra" / "exports.yaml").read_text())["Resources"]
    template = {
        "Resources": {"ExportsBucket": resources["ExportsBucket"]},
        "Outputs": {"Name": {"Value": {"Ref": "ExportsBucket"}}},
    }
    cloudformation = tiny_cloud.client("cloudformation")
    cloudformation.create_stack(StackName="exports", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="exports", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    (output,) = cloudformation.describe_stacks(StackName="exports")["Stacks"][0]["Outputs"]
    for name, value in {
        "AWS_ENDPOINT_URL": tiny_cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "EXPORTS_BUCKET": output["OutputValue"],
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    aws.forget()
    yield output["OutputValue"]
    aws.forget()
    cloudformation.delete_stack(StackName="exports")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="exports", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )


def fetched(link: str) -> tuple[Any, bytes]:
    with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 - a link of this machine
        return answer.headers, answer.read()


def test_a_file_in_parts_is_fetched_whole_by_its_link_and_by_nothing_else(bucket: str) -> None:
    store = S3ObjectStore("EXPORTS_BUCKET")
    upload = store.begin("id/1.csv", "text/csv; charset=utf-8")
    tags = [store.put_part("id/1.csv", upload, number, data) for number, data in enumerate([PART, b"end"], 1)]
    store.complete("id/1.csv", upload, tags)
    store.complete("id/1.csv", upload, tags)
    assert b"".join(store.read("id/1.csv")) == PART + b"end"

    link = store.link("id/1.csv", file_name="signals.csv", seconds=60)
    headers, data = fetched(link)
    assert link.startswith("http://127.0.0.1:")
    assert data == PART + b"end"
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="signals.csv"'
    for other in (link.partition("?")[0], link.replace("1.csv", "2.csv", 1)):
        with pytest.raises(HTTPError) as refused:
            fetched(other)
        with refused.value as answer:
            assert answer.code == 403


def test_what_is_lost_is_said_to_be_lost(bucket: str) -> None:
    store = S3ObjectStore("EXPORTS_BUCKET")
    upload = store.begin("id/3.csv", "text/csv")
    old = store.put_part("id/3.csv", upload, 1, b"old")
    store.put_part("id/3.csv", upload, 1, b"new")
    for lost in (
        lambda: store.complete("id/3.csv", upload, [old]),
        lambda: store.put_part("id/3.csv", "nothing", 1, b"data"),
        lambda: list(store.read("id/3.csv")),
    ):
        with pytest.raises(UploadLostError):
            lost()


def test_the_bucket_is_private_and_encrypted(bucket: str) -> None:
    s3 = aws.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
