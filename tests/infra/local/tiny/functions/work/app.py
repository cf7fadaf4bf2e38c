import json
import os
import sys

import boto3

things = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    for record in event["Records"]:
        body = json.loads(record["body"])
        sys.stdout.write(json.dumps({"level": "INFO", "message": "working"}) + "\n")
        if body.get("job") == "fail":
            raise ValueError("this work cannot be done")
        things.put_item(Item={"id": body["scheduled_time"]})
