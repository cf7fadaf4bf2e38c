"""How much a test tries: some in `make test`, all that its claim asks for in `make prove`."""

import os

import pytest

PROVING = os.environ.get("PROVE") == "1"

only_in_prove = pytest.mark.skipif(not PROVING, reason="takes long: make prove runs it")
"""For a test that has no small form; it carries the marker `prove` as well."""


def cases(tested: int, proved: int) -> int:
    """Return how many cases to try: `tested` in `make test`, `proved` in `make prove`."""
    return proved if PROVING else tested
