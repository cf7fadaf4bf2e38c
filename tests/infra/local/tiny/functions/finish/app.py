import json
import os
import sys

import boto3

finished = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    for record in event["Records"]:
        finished.put_item(Item={"id": json.loads(record["body"])["id"]["S"]})
    sys.stdout.write(json.dumps({"level": "INFO", "message": "finished"}) + "\n")
