"""Every contract test runs over the fake and over the real adapter on moto, so that neither can drift."""

from collections.abc import Callable
from typing import Any

import pytest


def either(fake: Callable[[], Any], real: Callable[[], Any]) -> Any:
    """Return a fixture that gives first the fake port, then the real one with the template's tables behind it."""

    @pytest.fixture(params=[fake, real], ids=["fake", "dynamo"])
    def implementation(request: pytest.FixtureRequest) -> Any:
        if request.param is real:
            request.getfixturevalue("tables")
        return request.param()

    return implementation
