import json
import os
import sys

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    sys.stdout.write(json.dumps({"level": "INFO", "message": "planned"}) + "\n")
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    return {"shards": 1}
