"""Each function can do what it must and nothing else: roles against variables, triggers, and the code itself."""

import ast
import json
import re

import pytest

from infra.assemble import ROOT, assemble
from infra.conventions import folder_of, functions
from infra.openapi import METHODS

PACKAGE = ROOT / "layers" / "signalbox" / "python" / "signalbox"
FUNCTIONS = sorted(functions(assemble()))

CONNECTIONS = (
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${WebSocketApi}/${StageName}"
    "/POST/@connections/*"
)
IDENTITIES = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*"
WIDE_RESOURCES = {
    "*": "X-Ray knows no resources; in a key's policy it means that key; SES is asked of no identity locally",
    "${SignalsTable.Arn}/stream/*": "a stream's label is known only once the table is there",
    "${TopicLogTable.Arn}/stream/*": "a stream's label is known only once the table is there",
    "${ExportsBucket.Arn}/*": "what follows is an export's id",
    IDENTITIES: "a recipient's, which SES asks for in its sandbox; from our own address alone",
    CONNECTIONS: "the last word is a connection's id",
    "${Endpoints}/*": "what follows is a device's id, below the one platform application",
}
WIDE_ACTIONS = {"kms:*": "the account itself must be able to administer a key, else nobody can"}
UNNAMED = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ses:SendEmail",
    "ses:SendBulkEmail",
    "kms:*",
    "kms:GenerateDataKey",
    "kms:Decrypt",
}
"""The only actions that may be allowed on `*`."""
FOUND_BUT_UNUSED: dict[str, set[str]] = {
    "route_deliveries": {"KEYS_TABLE"},
    "reprice_signals": {"KEYS_TABLE"},
    "record_feedback": {"KEYS_TABLE"},
    "deliver_signals": {"POSTINGS_TABLE"},
    "release_due": {"POSTINGS_TABLE"},
    "compact_candles": {"SIGNALS_TABLE"},
}
"""Tables whose code shares a module with that of a table in use."""


def leaves(node):
    """Yield every alternative of an action or resource: `Fn::If` has two, and each may be a list."""
    if isinstance(node, list):
        for each in node:
            yield from leaves(each)
    elif isinstance(node, dict) and "Fn::If" in node:
        yield from leaves(node["Fn::If"][1:])
    else:
        yield node


def text_of(resource) -> str:
    """Return a resource as text: `X.Arn`, the text of a `Fn::Sub`, or the name of a `Ref`."""
    if isinstance(resource, str):
        return resource
    ((name, argument),) = resource.items()
    return {
        "Ref": lambda: argument,
        "Fn::GetAtt": lambda: ".".join(argument),
        "Fn::Sub": lambda: argument if isinstance(argument, str) else argument[0],
    }[name]()


def statements_of(role) -> list[dict]:
    return [each for policy in role["Properties"]["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def allowed(template, function: str) -> dict[str, set[str]]:
    """Return the actions that a function's role allows, by resource."""
    role = template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]
    found: dict[str, set[str]] = {}
    for statement in statements_of(template["Resources"][role]):
        for resource in leaves(statement["Resource"]):
            found.setdefault(text_of(resource), set()).update(text_of(action) for action in leaves(statement["Action"]))
    return found


def tables_allowed(template, function: str) -> set[str]:
    """Return the tables, by logical id, that a role may read or write, directly or through an index."""
    return {
        re.split(r"[.{}]", resource.removeprefix("${"))[0]
        for resource, actions in allowed(template, function).items()
        if any(action.startswith("dynamodb:") for action in actions)
        and "Stream" not in resource
        and "/stream/" not in resource
    }


def variables(template, function: str) -> dict:
    return template["Resources"][function]["Properties"]["Environment"]["Variables"]


def named(template, function: str, suffix: str) -> set[str]:
    """Return the resources that a function's variables with this suffix refer to, checking that the names agree."""
    found = set()
    for name, value in variables(template, function).items():
        if name.endswith(suffix):
            words = name.removesuffix(suffix).split("_")
            logical_id = value["Ref"]
            kind = {"_TABLE": "Table", "_QUEUE_URL": "Queue"}[suffix]
            assert logical_id == "".join(word.capitalize() for word in words) + kind
            found.add(logical_id)
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_use_exactly_the_tables_it_is_told_of(template, function):
    assert tables_allowed(template, function) == named(template, function, "_TABLE")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_send_to_exactly_the_queues_it_is_told_of_and_to_its_own_dead_letters(template, function):
    may_send = {
        resource.removesuffix(".Arn")
        for resource, actions in allowed(template, function).items()
        if "sqs:SendMessage" in actions
    }
    text = json.dumps(template["Resources"][function]["Properties"])
    own = {name for name in may_send if name.endswith("DeadLetters") and f'"{name}"' in text}
    assert may_send - own == named(template, function, "_QUEUE_URL")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_receive_from_exactly_the_queues_that_wake_it(template, function):
    may_receive = {
        resource.removesuffix(".Arn")
        for resource, actions in allowed(template, function).items()
        if {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= actions
    }
    events = template["Resources"][function]["Properties"].get("Events", {}).values()
    assert may_receive == {event["Properties"]["Queue"]["Fn::GetAtt"][0] for event in events if event["Type"] == "SQS"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_write_its_own_log_and_no_other(template, function):
    logs = {resource for resource, actions in allowed(template, function).items() if "logs:PutLogEvents" in actions}
    assert logs == {function.removesuffix("Function") + "Logs.Arn"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_of_exactly_the_tables_that_its_code_reaches(template, function):
    folder = folder_of(function)
    told = {name for name in variables(template, function) if name.endswith("_TABLE")}
    assert told == tables_reached(folder) - FOUND_BUT_UNUSED.get(folder, set())


def test_only_the_functions_that_send_signals_and_links_may_send_mail(template):
    may = [
        name for name in FUNCTIONS if any("ses:SendEmail" in actions for actions in allowed(template, name).values())
    ]
    assert may == ["ApiFunction", "DeliverSignalsFunction"]


def test_no_role_shares_itself_out_or_takes_a_managed_policy(template):
    roles = [functions(template)[name]["Properties"]["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS)
    for role in roles:
        assert "ManagedPolicyArns" not in template["Resources"][role]["Properties"]


def test_nothing_is_allowed_more_widely_than_the_reasons_above_say(expanded):
    for name, statement in all_statements(expanded):
        for action in map(text_of, leaves(statement["Action"])):
            assert "*" not in action or action in WIDE_ACTIONS, (name, action)
        for resource in map(text_of, leaves(statement["Resource"])):
            assert "*" not in resource or resource in WIDE_RESOURCES, (name, resource)
            assert resource != "*" or set(leaves(statement["Action"])) <= UNNAMED, (name, statement)


def mail_statements(template, action: str) -> list[dict]:
    roles = ("ApiRole", "DeliverSignalsRole")
    return [e for role in roles for e in statements_of(template["Resources"][role]) if e["Action"] == action]


def test_a_mail_may_go_to_anybody_but_comes_from_our_address_alone(template):
    statements = mail_statements(template, "ses:SendEmail")
    assert len(statements) == 2
    for statement in statements:
        only_in_the_cloud, condition, _ = statement["Condition"]["Fn::If"]
        assert only_in_the_cloud == "IsCloud"
        assert condition == {"StringEquals": {"ses:FromAddress": {"Ref": "MailSender"}}}


def test_mails_together_are_allowed_to_deliveries_alone_and_of_any_identity_only_where_the_cloud_is_local(template):
    (statement,) = mail_statements(template, "ses:SendBulkEmail")
    condition, in_the_cloud, local = statement["Resource"]["Fn::If"]
    assert (condition, local) == ("IsCloud", "*")
    assert "*" not in json.dumps(in_the_cloud)


def test_whoever_sends_mail_is_told_what_reports_on_it(template):
    for function in ("ApiFunction", "DeliverSignalsFunction"):
        assert variables(template, function)["MAIL_EVENTS"] == {"Ref": "MailEvents"}


def test_the_policy_of_the_api_function_has_room_for_many_more_paths(of_type):
    permissions = [
        body["Properties"]
        for body in of_type("AWS::Lambda::Permission").values()
        if body["Properties"]["FunctionName"] in ({"Ref": "ApiFunction"}, {"Fn::GetAtt": ["ApiFunction", "Arn"]})
    ]
    assert len(permissions) == 1, "one statement for all paths, so that a path more is no statement more"
    statement = {
        "Sid": "x" * 100,
        "Effect": "Allow",
        "Principal": {"Service": permissions[0]["Principal"]},
        "Action": permissions[0]["Action"],
        "Resource": "x" * 140,
        "Condition": {"ArnLike": {"AWS:SourceArn": text_of(permissions[0]["SourceArn"])}},
    }
    assert len(json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": [statement]})) < 20_480
    # What SAM's own events would have cost, ten paths from now.
    paths = len(of_type("AWS::ApiGateway::RestApi")["RestApi"]["Properties"]["Body"]["paths"]) + 10
    assert len(json.dumps(statement)) * paths * len(METHODS) > 20_480


def all_statements(expanded):
    for name, body in expanded["Resources"].items():
        properties = body.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += [properties[key] for key in ("PolicyDocument", "KeyPolicy") if key in properties]
        for document in documents:
            for statement in document["Statement"]:
                yield name, statement


def tables_reached(folder: str) -> set[str]:
    """Return the table variables in the adapters that a function's code reaches through the composition root."""
    bootstrap = {node.name: node for node in parse(PACKAGE / "bootstrap.py").body if isinstance(node, ast.FunctionDef)}
    sources, wanted = (
        closure([ROOT / "functions" / folder / "app.py"], ("signalbox.api.", "signalbox.adapters.")),
        set(),
    )
    for source in sources:
        wanted |= factories(parse(source))
    reached: set[str] = set()
    while wanted - reached:
        factory = min(wanted - reached)
        reached.add(factory)
        wanted |= {node.id for node in ast.walk(bootstrap[factory]) if isinstance(node, ast.Name)} & set(bootstrap)
    modules = [path for factory in reached for path in imported(bootstrap[factory], ("signalbox.adapters.",))]
    code = [path.read_text() for path in closure(modules, ("signalbox.adapters.",))]
    return {name for text in code for name in re.findall(r'setting = "(\w+_TABLE)"', text)}


def factories(tree) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bootstrap"
    }


def closure(paths, prefixes) -> set:
    """Return these sources and all that they import below the prefixes; the stream's reader reads images, no table."""
    found, waiting = set(), list(paths)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(parse(path), prefixes)
    return found


def imported(tree, prefixes):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                path = PACKAGE.parent / (name.replace(".", "/") + ".py")
                if name.startswith(prefixes) and path.is_file():
                    yield path


def parse(path):
    return ast.parse(path.read_text())
