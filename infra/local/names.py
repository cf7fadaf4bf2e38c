"""The words people use for things that CloudFormation named."""

import re

from infra.local.deploy import STACK

_SUFFIX = re.compile(r"-[0-9A-F]{10,}$")
_KIND = re.compile(r"(?<=.)(Function|Table|Queue|Topic|Role)$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain_name(physical: str) -> str:
    """Return `signals` for `signalbox-SignalsTable-219E5C7BDDBEE`, for its ARN, or for an index of it."""
    name = physical.rstrip(".,)\"'").split("/index/")[0].split("/")[-1].split(":")[-1]
    name = _SUFFIX.sub("", name).removeprefix(f"{STACK}-")
    return _CAMEL.sub("_", _KIND.sub("", name)).replace("-", "_").lower()
