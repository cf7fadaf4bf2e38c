"""`/signals/api/monitoring` looks at every queue there is, and may: none is full without anybody seeing it."""

import re

from infra.assemble import assemble

LISTED = re.compile(r"(\w+)=\$\{(\w+)\}")


def snake(logical_id: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).lower()


def queues(template) -> set[str]:
    return {name for name, body in template["Resources"].items() if body["Type"] == "AWS::SQS::Queue"}


def watched(template) -> dict[str, str]:
    """Return what the function is told to watch: the queue by the name it is shown under."""
    listed = template["Resources"]["ApiFunction"]["Properties"]["Environment"]["Variables"]["WATCHED_QUEUES"]
    return dict(LISTED.findall(" ".join(str(each) for each in listed["Fn::Join"][1])))


def test_every_queue_of_the_template_is_watched_under_its_own_name():
    template = assemble()

    assert watched(template) == {snake(name).removesuffix("_queue"): name for name in queues(template)}


def test_the_api_may_look_at_every_queue_it_watches_and_at_no_other():
    template = assemble()
    statements = [
        statement
        for policy in template["Resources"]["ApiRole"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "sqs:GetQueueAttributes" in statement["Action"]
    ]

    assert len(statements) == 1
    assert {each["Fn::GetAtt"][0] for each in statements[0]["Resource"]} == queues(template)
