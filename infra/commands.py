"""What the commands of an operator have in common: the system they work on, and how they tell what came of it.

That is the local system that runs now, or with `--cloud aws` the stack in the AWS account that the usual credentials
lead to.
"""

import argparse
import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import STACK
from infra.local.ministack import REGION
from infra.local.run import STATE
from signalbox.domain.errors import InvalidValueError, SignalboxError

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def command_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of `python -m infra.<name>`, which says which system to work on."""
    parser = argparse.ArgumentParser(prog=f"python -m infra.{name}", description=description)
    parser.add_argument("--cloud", default="local", choices=["local", "aws"])
    parser.add_argument("--stack", default=STACK)
    return parser


def run(work: Callable[[argparse.Namespace], str], options: argparse.Namespace) -> int:
    """Do `work` on the tables of the system that `options` name, and print what it returns, or in one line why it
    failed; return the exit code."""
    try:
        if options.cloud == "local":
            use_local_cloud(running_port(STATE))
        use_tables_of(options.stack)
        told = work(options)
    except (SignalboxError, BotoCoreError, ClientError) as e:
        sys.stderr.write(f"signalbox: {' '.join(str(e).split())}\n")
        return 1
    sys.stdout.write(f"{told}\n")
    return 0


def running_port(states: Path) -> int:
    """Return the port of the local system that runs now; raise InvalidValueError if none does."""
    for kept in sorted(states.glob("*/port")):
        port = int(kept.read_text())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
    raise InvalidValueError("a local system must be running, none is: start one with `make run`, or say CLOUD=aws")


def use_local_cloud(port: int) -> None:
    """Let the adapters of this process talk to the local cloud, as its root."""
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the local cloud's root, known to everybody
    )


def use_tables_of(stack: str) -> None:
    """Put the names of a stack's tables into the environment: `ACCOUNTS_TABLE` for the resource `AccountsTable`."""
    import boto3

    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::DynamoDB::Table":
                setting = _CAMEL.sub("_", resource["LogicalResourceId"]).upper()
                os.environ[setting] = resource["PhysicalResourceId"]
