from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from infra.local.ministack import CloudOptions, LocalCloud, running_cloud

TINY = Path(__file__).parent / "tiny"


@pytest.fixture
def tiny_template() -> dict[str, Any]:
    """The tiny house, its code named by absolute folders."""
    template: dict[str, Any] = deepcopy(yaml_parse((TINY / "template.yaml").read_text()))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = str(TINY / resource["Properties"]["CodeUri"])
    return template


@pytest.fixture(scope="session")
def tiny_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """An empty local cloud that keeps nothing."""
    with running_cloud(CloudOptions(tmp_path_factory.mktemp("tiny-cloud"))) as cloud:
        yield cloud
