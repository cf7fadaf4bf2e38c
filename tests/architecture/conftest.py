"""The template as the tests look at it: assembled, and expanded as CloudFormation sees it."""

from pathlib import Path
from typing import Any

import pytest

from infra import assemble

Template = dict[str, Any]


@pytest.fixture(scope="session")
def root() -> Path:
    return assemble.ROOT


@pytest.fixture(scope="session")
def template() -> Template:
    return assemble.assemble()


@pytest.fixture(scope="session")
def expanded() -> Template:
    return assemble.expanded()


@pytest.fixture(scope="session")
def of_type(expanded):
    """Return the expanded resources of one type, by logical id."""

    def chosen(kind: str) -> dict[str, Template]:
        return {name: body for name, body in expanded["Resources"].items() if body["Type"] == kind}

    return chosen
