"""The documents name what there is: functions, tables, indexes, routes, targets, files."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from infra.conventions import folder_of, functions
from signalbox.domain.delivery.facts import facts_of
from signalbox.domain.signals.events import EventKind
from tests.builders import make_signal

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "signalbox" / "python" / "signalbox"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
TARGET = re.compile(r"\bmake ([a-z]+)\b")
FILE = re.compile(r"`([a-z_]+(?:/[a-z_0-9.]+)+/?)`")
CODE = re.compile(r"`[^`\n]+`|^    .*$|^\$ .*$|```.*?```", re.MULTILINE | re.DOTALL)


def rows(document: Path, heading: str) -> list[list[str]]:
    """Return the cells of the table under the line that begins with `heading`."""
    _, _, rest = document.read_text().partition(f"\n{heading}")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_floor_plan_has_a_row_for_every_function_and_for_nothing_else(template):
    named = [name for row in rows(ROOT / "ARCHITECTURE.md", "## One way") for name in row[0].split(", ")]
    assert sorted(named) == sorted(folder_of(name) for name in functions(template))


def test_the_storage_map_has_a_row_for_every_table_and_names_every_index(template):
    listed = rows(ROOT / "ARCHITECTURE.md", "## Storage")
    tables = {name: body for name, body in template["Resources"].items() if body["Type"] == "AWS::DynamoDB::Table"}
    snake = {folder_of(name.removesuffix("Table")): body for name, body in tables.items()}
    assert sorted(filter(None, (row[0] for row in listed))) == sorted(snake)
    named: dict[str, set[str]] = {}
    for name, _, index, _ in listed:
        table = name or table  # noqa: F821 - a row without a name goes on with the table above it
        named.setdefault(table, set()).update(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", index))
    for name, body in snake.items():
        kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        indexes = {index["IndexName"] for kind in kinds for index in body["Properties"].get(kind, [])}
        assert named[name] == indexes, name


def test_how_many_functions_and_tables_there_are_is_told_truly(template):
    text = (ROOT / "ARCHITECTURE.md").read_text()
    told = re.search(r"is (\d+) AWS Lambda functions around (\d+) DynamoDB tables", text)
    assert told
    tables = [body for body in template["Resources"].values() if body["Type"] == "AWS::DynamoDB::Table"]
    assert (int(told[1]), int(told[2])) == (len(functions(template)), len(tables))


def test_every_path_that_the_readme_names_is_answered():
    routes = set(import_module("signalbox.api.app").app.routes)
    named = {path for row in rows(ROOT / "README.md", "## The API") for path in re.findall(r"/[a-z][\w/.{}-]*", row[0])}
    assert named
    assert named <= routes


def test_the_event_shown_is_what_followers_get():
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "websocket.md").read_text(), re.DOTALL)
    assert list(json.loads(shown)) == [*facts_of(make_signal(), EventKind.PUBLISHED), "delivery_id"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_names_of_files_lead_somewhere(document: Path):
    text = document.read_text()
    for link in LINK.findall(text):
        assert (document.parent / link).exists(), link
    for name in FILE.findall(text):
        assert any((place / name).exists() for place in (ROOT, PACKAGE)) or name.startswith(("build/", "signals/")), (
            name
        )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_target_that_is_named_is_in_the_makefile(document: Path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for part in CODE.findall(document.read_text()) for name in TARGET.findall(part)}
    assert named <= targets, named - targets
