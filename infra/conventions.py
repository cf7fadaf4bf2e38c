"""What follows from a name, so that nobody writes it nine times or forgets it once.

`PlanShardsFunction` is called `<stack>-plan_shards`, runs the code in functions/plan_shards as `PlanShardsRole`, and
logs to `PlanShardsLogs`. `NumericLayer` is built by the Makefile in layers/numeric; `SignalboxLayer` alone is taken as
it is. `PlanDeadLetters` has `PlanDeadLettersAlarm`. Every table, queue, function and schedule is an output under its
own logical id.
"""

import re
from typing import Any

Template = dict[str, Any]
Resource = dict[str, Any]

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
QUEUE = "AWS::SQS::Queue"
_SHOWN = {"AWS::DynamoDB::Table", QUEUE, "AWS::Scheduler::Schedule", FUNCTION}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def functions(template: Template) -> dict[str, Resource]:
    """Return the functions of a template by logical id."""
    return {name: body for name, body in template["Resources"].items() if body["Type"] == FUNCTION}


def folder_of(logical_id: str) -> str:
    """Return the folder below functions/ of a function: `PlanShardsFunction` -> `plan_shards`."""
    return _CAPITAL.sub("_", logical_id.removesuffix("Function")).lower()


def apply_conventions(template: Template) -> None:
    """Add to `template`, in place, what follows from the names in it; what it says itself stays."""
    for logical_id, function in functions(template).items():
        logs = logical_id.removesuffix("Function") + "Logs"
        function["Properties"] = _with_name(logical_id, logs, function["Properties"])
        template["Resources"].setdefault(logs, _log_group(folder_of(logical_id)))
    dead_letters = [name for name, body in template["Resources"].items() if _holds_dead_letters(name, body)]
    for name in dead_letters:
        template["Resources"].setdefault(f"{name}Alarm", _alarm(name))
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == LAYER:
            resource.update(_layer(logical_id, resource))
        if resource["Type"] in _SHOWN:
            condition = {"Condition": resource["Condition"]} if "Condition" in resource else {}
            template["Outputs"].setdefault(logical_id, {**condition, "Value": {"Ref": logical_id}})


def _with_name(logical_id: str, logs: str, properties: dict[str, Any]) -> dict[str, Any]:
    folder = folder_of(logical_id)
    variables = properties.get("Environment", {}).get("Variables", {})
    named = {
        "FunctionName": {"Fn::Sub": f"${{AWS::StackName}}-{folder}"},
        "CodeUri": f"functions/{folder}",
        "Role": {"Fn::GetAtt": [logical_id.removesuffix("Function") + "Role", "Arn"]},
        "LoggingConfig": {"LogGroup": {"Ref": logs}},
    }
    return {**named, **properties, "Environment": {"Variables": {"POWERTOOLS_SERVICE_NAME": folder, **variables}}}


def _layer(logical_id: str, layer: Resource) -> Resource:
    folder = folder_of(logical_id.removesuffix("Layer"))
    properties = {"ContentUri": f"layers/{folder}", "CompatibleRuntimes": ["python3.13"], "RetentionPolicy": "Delete"}
    built = {} if folder == "signalbox" else {"Metadata": {"BuildMethod": "makefile", "BuildArchitecture": "arm64"}}
    return {**built, **layer, "Properties": {**properties, **layer.get("Properties", {})}}


def _holds_dead_letters(logical_id: str, resource: Resource) -> bool:
    return resource["Type"] == QUEUE and logical_id.endswith("DeadLetters")


def _alarm(queue: str) -> Resource:
    """Return what tells of the first message in a queue of dead letters. The local cloud has no such metrics."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Condition": "IsCloud",
        "Properties": {
            "AlarmDescription": f"Something was tried to its end; what it was lies in {queue}",
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}],
            "Statistic": "Maximum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "AlarmsTopic"}],
            "OKActions": [{"Ref": "AlarmsTopic"}],
        },
    }


def _log_group(folder: str) -> Resource:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{folder}"},
            "RetentionInDays": {"Ref": "LogRetentionDays"},
        },
    }
