"""The template against the rest of the project: nothing exists in one of them only."""

import re
from importlib import import_module

import pytest
import yaml

from infra import assemble
from infra.conventions import folder_of, functions
from infra.lint import findings
from infra.openapi import METHODS
from signalbox.domain.errors import InvalidValueError
from signalbox.settings import Settings

PLACE = {
    "Cloud", "LocalEndpoint", "Architecture", "StageName", "Schedules", "KeepData", "LogRetentionDays",
    "RequestsPerSecond", "RequestBurst", "AlarmMail", "MailIdentity",
}  # fmt: skip
"""Parameters that say where and how the system runs; every other one is a setting."""


def in_pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def evaluate(condition, parameters):
    if isinstance(condition, list):
        return [evaluate(each, parameters) for each in condition]
    if not isinstance(condition, dict):
        return condition
    ((name, argument),) = condition.items()
    if name == "Ref":
        return parameters[argument]
    values = evaluate(argument, parameters)
    return {"Fn::Equals": lambda: values[0] == values[1], "Fn::Or": lambda: any(values)}[name]()


def defaults(template) -> dict[str, str]:
    return {name: str(body["Default"]) for name, body in template["Parameters"].items()}


def test_every_function_of_the_template_has_a_folder_and_an_event_and_nothing_else_has(template, root):
    declared = {folder_of(name) for name in functions(template)}
    assert {path.parent.name for path in (root / "functions").glob("*/app.py")} == declared
    assert {path.stem for path in (root / "events").glob("*.json")} == declared


def test_every_path_of_the_api_is_routed_and_every_routed_path_is_answered(template):
    routed = {route["Path"] for route in template["Resources"]["RestApi"]["Metadata"]["Routes"]}
    assert routed == set(import_module("signalbox.api.app").app.routes)


def test_no_path_ends_in_a_slash_since_the_gateway_adds_that_one_itself(template):
    assert not [
        path for path in template["Resources"]["RestApi"]["Properties"]["DefinitionBody"]["paths"] if path[-1] == "/"
    ]


def test_every_method_of_every_path_reaches_the_api(of_type):
    body = of_type("AWS::ApiGateway::RestApi")["RestApi"]["Properties"]["Body"]
    for operations in body["paths"].values():
        assert set(operations) - {"parameters"} == set(METHODS)
        for method in METHODS:
            integration = operations[method]["x-amazon-apigateway-integration"]
            assert integration["type"] == "aws_proxy"
            assert "ApiFunction.Arn" in integration["uri"]["Fn::Sub"]


def test_every_request_is_authorized_but_options_and_those_declared_open_to_all(of_type):
    body = of_type("AWS::ApiGateway::RestApi")["RestApi"]["Properties"]["Body"]
    is_open = {each.path for each in import_module("signalbox.api.app").declared() if each.is_open}
    assert is_open == {"/health", "/openapi.json", "/docs"}
    for path, operations in body["paths"].items():
        for method in METHODS:
            asked = operations[method].get("security", []) == [{"Account": []}]
            assert asked == (path not in is_open and method != "options"), (path, method)


def test_the_authorizer_is_asked_every_time_also_by_a_caller_without_a_key(of_type):
    body = of_type("AWS::ApiGateway::RestApi")["RestApi"]["Properties"]["Body"]
    scheme = body["components"]["securitySchemes"]["Account"]["x-amazon-apigateway-authorizer"]
    assert scheme["type"] == "request"
    assert scheme["authorizerResultTtlInSeconds"] == 0
    assert "identitySource" not in scheme


def test_the_gateways_own_answers_are_deployed_with_the_api_and_have_the_one_error_shape(template):
    body = template["Resources"]["RestApi"]["Properties"]["DefinitionBody"]
    answers = body["x-amazon-apigateway-gateway-responses"]
    assert set(answers) == {
        "MISSING_AUTHENTICATION_TOKEN", "UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "QUOTA_EXCEEDED",
        "DEFAULT_4XX", "DEFAULT_5XX",
    }  # fmt: skip
    for answer in answers.values():
        assert answer["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        # $context.error.messageString is a JSON string, quotes included.
        problem = yaml.safe_load(
            answer["responseTemplates"]["application/json"].replace("$context.error.messageString", '""')
        )
        assert {"type", "title", "detail"} <= set(problem)
        assert str(problem.get("status", answer.get("statusCode"))) == str(answer.get("statusCode"))
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"


def test_gateway_responses_come_before_the_deployment_in_the_order_of_the_local_cloud(of_type):
    # It makes what is ready in the order of the names, and a deployment holds the responses made before it.
    (deployment,) = of_type("AWS::ApiGateway::Deployment")
    assert max(of_type("AWS::ApiGateway::GatewayResponse")) < deployment


def test_every_parameter_is_a_setting_or_says_where_the_system_runs(template):
    settings = {in_pascal_case(name) for name in Settings.__dataclass_fields__}
    assert set(template["Parameters"]) == settings | PLACE


def test_every_function_is_given_every_setting_under_its_own_name(template):
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    for name in Settings.__dataclass_fields__:
        assert given[name.upper()] == {"Ref": in_pascal_case(name)}


def test_the_defaults_of_the_parameters_are_those_of_the_settings(template):
    parameters = defaults(template)
    environment = {name.upper(): parameters[in_pascal_case(name)] for name in Settings.__dataclass_fields__}
    assert Settings.from_environment(environment) == Settings.from_environment({})


def test_a_timeframe_has_a_schedule_exactly_where_it_is_in_use(template):
    schedules = {
        match[1]: body.get("Condition")
        for name, body in template["Resources"].items()
        if (match := re.fullmatch(r"Generate(\w+)Schedule", name))
    }
    for chosen in template["Parameters"]["Timeframes"]["AllowedValues"]:
        parameters = {**defaults(template), "Timeframes": chosen}
        assert (
            ",".join(
                timeframe
                for timeframe, condition in schedules.items()
                if condition is None or evaluate(template["Conditions"][condition], parameters)
            )
            == chosen
        )


def test_repricing_is_planned_under_the_shortest_timeframe_in_use(template):
    sub = template["Resources"]["RepriceSchedule"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    condition, then, otherwise = sub[1]["Shortest"]["Fn::If"]
    for chosen in template["Parameters"]["Timeframes"]["AllowedValues"]:
        parameters = {**defaults(template), "Timeframes": chosen}
        shortest = then if evaluate(template["Conditions"][condition], parameters) else otherwise
        assert shortest == chosen.split(",")[0]


@pytest.mark.parametrize(
    "kind", ["AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Serverless::Function", "AWS::Scheduler::Schedule"]
)
def test_every_table_queue_function_and_schedule_is_an_output(template, kind):
    names = [name for name, body in template["Resources"].items() if body["Type"] == kind]
    assert names
    for name in names:
        assert template["Outputs"][name]["Value"] == {"Ref": name}
        assert template["Outputs"][name].get("Condition") == template["Resources"][name].get("Condition")


def test_every_output_and_reference_names_something_that_exists(template):
    known = set(template["Resources"]) | set(template["Parameters"])

    def names(node):
        if isinstance(node, list):
            for each in node:
                yield from names(each)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key == "Ref" and not value.startswith("AWS::"):
                    yield value
                elif key == "Fn::GetAtt":
                    yield value[0]
                else:
                    yield from names(value)

    assert {"ApiUrl", "WebSocketUrl"} <= set(template["Outputs"])
    assert set(names(template)) <= known


def test_the_text_reads_back_as_the_template_and_shares_nothing_by_alias(template):
    text = assemble.assembled_text()
    assert yaml.safe_load(text) == template
    assert not re.search(r"[&*]id\d", text)


def test_the_template_as_text_fits_what_cloudformation_takes_from_s3():
    assert len(assemble.assembled_text().encode()) < 500_000, "of 1 MB"


def test_packaging_places_each_folder_once_and_leaves_the_template_alone(template):
    placed = []

    def place(folder):
        placed.append(folder.name)
        return f"s3://packages/{folder.name}.zip"

    packaged = assemble.with_packages(template, place)
    assert sorted(placed) == sorted({*placed})
    assert packaged["Resources"]["ApiFunction"]["Properties"]["CodeUri"] == "s3://packages/api.zip"
    assert template["Resources"]["ApiFunction"]["Properties"]["CodeUri"] == "functions/api"


def test_a_part_may_hold_resources_only_and_no_name_twice(template):
    with pytest.raises(InvalidValueError, match=r"more\.yaml must hold Resources and nothing else, held Outputs"):
        assemble.merge({}, {"Outputs": {}}, "more.yaml")
    with pytest.raises(InvalidValueError, match=r"more\.yaml must not repeat SignalsTable"):
        assemble.merge(dict(template["Resources"]), {"Resources": {"SignalsTable": {}}}, "more.yaml")


def test_cfn_lint_finds_nothing_in_either_template(tmp_path):
    assert assemble.check(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == {"template.yaml", "template.expanded.json"}


def test_what_cfn_lint_finds_is_told_with_file_line_and_rule(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {Colour: red}\n")
    told = findings(broken, expanded=False, seals=tmp_path / "seals")
    assert [line.split()[:2] for line in told if "Colour" in line] == [["broken.yaml:4:", "E3002"]]
    assert not (tmp_path / "seals").exists()


def test_only_a_template_that_was_found_clean_is_not_looked_at_again(tmp_path):
    seals, small = tmp_path / "seals", tmp_path / "small.yaml"
    kept = "DeletionPolicy: Delete, UpdateReplacePolicy: Delete"
    queue = "Properties: {SqsManagedSseEnabled: true, MessageRetentionPeriod: 60}"
    small.write_text(f"Resources:\n  Queue: {{Type: AWS::SQS::Queue, {kept}, {queue}}}\n")
    assert findings(small, expanded=False, seals=seals) == []
    assert len(list(seals.iterdir())) == 1
    small.write_text(small.read_text().replace("true", "maybe"))
    assert findings(small, expanded=False, seals=seals) != []
