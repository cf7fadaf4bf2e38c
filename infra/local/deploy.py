"""Packages the functions and layers and deploys the template through CloudFormation, as an account would get it.

What CloudFormation does not carry out on the local cloud (time to live) is set by API afterwards, from the template.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError, WaiterError

from infra.assemble import assemble, with_packages
from infra.conventions import Template
from infra.local.errors import RunFailedError
from infra.local.ministack import LocalCloud
from infra.local.packages import package_function, package_layer
from infra.local.permissions import with_batch_actions

BUCKET = "signalbox-packages"
STACK = "signalbox"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a stack is made of: outputs, and physical ids by logical id and by type."""

    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)

    def of_type(self, kind: str) -> dict[str, str]:
        """Return logical id -> physical id of every resource of a CloudFormation type."""
        return {logical: self.resources[logical] for logical, type_ in self.types.items() if type_ == kind}


def read_template() -> Template:
    """Return the assembled template; raise RunFailedError if it cannot be put together."""
    try:
        return assemble()
    except (yaml.YAMLError, OSError, ValueError, KeyError) as e:
        raise RunFailedError(f"template.yaml cannot be put together: {_one_line(e)}") from e


def deploy(cloud: LocalCloud, template: Template, parameters: Mapping[str, str], stack: str = STACK) -> Deployment:
    """Create or update the stack and return what it is made of.

    Parameters
    ----------
    template : dict
        The assembled template; code is named by folder, relative to the project's or absolute.
    parameters : mapping
        Values of template parameters; those the template does not have are refused.

    Raises
    ------
    RunFailedError
        With the reasons CloudFormation gave.
    """
    unknown = sorted(set(parameters) - set(template.get("Parameters", {})))
    if unknown:
        raise RunFailedError(f"template.yaml must have the parameters {', '.join(unknown)}, it has none of that name")
    packaged = with_packages(with_batch_actions(template), _placer(cloud))
    _apply(cloud.client("cloudformation"), stack, _store(cloud, packaged), parameters)
    deployment = describe(cloud, stack)
    _set_time_to_live(cloud, template, deployment)
    return deployment


def describe(cloud: LocalCloud, stack: str = STACK) -> Deployment:
    """Return what the stack is made of."""
    cloudformation = cloud.client("cloudformation")
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return Deployment(
        outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
        resources={r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in resources},
        types={r["LogicalResourceId"]: r["ResourceType"] for r in resources},
    )


def _placer(cloud: LocalCloud) -> Callable[[Path], str]:
    s3 = cloud.client("s3")
    _make_bucket(s3)

    def place(folder: Path) -> str:
        if not folder.is_dir():
            raise RunFailedError(f"template.yaml wants the folder {folder}, which is missing")
        package = package_layer(folder) if folder.parent.name == "layers" else package_function(folder)
        s3.put_object(Bucket=BUCKET, Key=package.key, Body=package.data)
        return f"s3://{BUCKET}/{package.key}"

    return place


def _make_bucket(s3: Any) -> None:
    try:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    except ClientError as e:
        if e.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def _store(cloud: LocalCloud, template: Template) -> str:
    """Put the template where CloudFormation reads templates above 51,200 bytes, and return the address."""
    s3 = cloud.client("s3")
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template).encode())
    return f"https://s3.{s3.meta.region_name}.amazonaws.com/{BUCKET}/template.json"


def _apply(cloudformation: Any, stack: str, template_url: str, parameters: Mapping[str, str]) -> None:
    request = {
        "StackName": stack,
        "TemplateURL": template_url,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    action = "update" if _exists(cloudformation, stack) else "create"
    try:
        getattr(cloudformation, f"{action}_stack")(**request)
        waiter = cloudformation.get_waiter(f"stack_{action}_complete")
        waiter.wait(StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    except ClientError as e:
        if "No updates are to be performed" not in str(e):
            raise RunFailedError(f"the deploy was refused: {e.response['Error']['Message']}") from e
    except WaiterError as e:
        raise RunFailedError(f"the deploy failed: {_reasons(cloudformation, stack) or _one_line(e)}") from e


def _exists(cloudformation: Any, stack: str) -> bool:
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError:
        return False
    if found["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"):
        raise RunFailedError("an earlier deploy was left half done: forget it with `make reset`, then run again")
    return bool(found["StackStatus"] != "DELETE_COMPLETE")


def _reasons(cloudformation: Any, stack: str) -> str:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    events = [event for page in pages for event in page["StackEvents"] if event["ResourceStatus"].endswith("FAILED")]
    told = [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in events if e.get("ResourceStatusReason")]
    return "; ".join(dict.fromkeys(told))


def _set_time_to_live(cloud: LocalCloud, template: Template, deployment: Deployment) -> None:
    dynamodb = cloud.client("dynamodb")
    for logical_id, resource in template["Resources"].items():
        wanted = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if resource["Type"] != "AWS::DynamoDB::Table" or not wanted or logical_id not in deployment.resources:
            continue
        table = deployment.resources[logical_id]
        now = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if now["TimeToLiveStatus"] != "ENABLED":
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
