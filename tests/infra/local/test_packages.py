import io
import os
import zipfile
from pathlib import Path

import pytest

from infra.local.packages import package_function, package_layer
from infra.local.permissions import with_batch_actions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "python" / "things").mkdir(parents=True)
    (tmp_path / "python" / "things" / "one.py").write_text("ONE = 1\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    return tmp_path


def names(data: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(data)).namelist()


def test_the_same_sources_give_the_same_bytes(folder: Path) -> None:
    first = package_function(folder)
    os.utime(folder / "python" / "things" / "one.py", (1, 1))
    assert package_function(folder) == first


def test_a_changed_source_gives_another_name(folder: Path) -> None:
    first = package_function(folder)
    (folder / "python" / "things" / "one.py").write_text("ONE = 2\n")
    assert package_function(folder).key != first.key


def test_a_layer_holds_its_python_folder_alone_with_compiled_modules(folder: Path) -> None:
    held = names(package_layer(folder).data)
    assert "python/things/one.py" in held
    assert any(name.startswith("python/things/__pycache__/one.") for name in held)
    assert "requirements.txt" not in held


def test_sending_messages_allows_sending_batches() -> None:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "q"}
    assert with_batch_actions([statement]) == [{**statement, "Action": ["sqs:SendMessage", "sqs:SendMessageBatch"]}]


def test_publishing_allows_publishing_batches() -> None:
    statement = {"Effect": "Allow", "Action": ["sns:Publish", "sns:DeleteEndpoint"], "Resource": "t"}
    allowed = ["sns:Publish", "sns:DeleteEndpoint", "sns:PublishBatch"]
    assert with_batch_actions(statement)["Action"] == allowed


def test_a_statement_that_denies_stays_as_it_is() -> None:
    statement = {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "q"}
    assert with_batch_actions(statement) == statement
