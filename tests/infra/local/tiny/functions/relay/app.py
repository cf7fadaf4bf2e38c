import json
import os
import sys

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    for record in event["Records"]:
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(record["dynamodb"]["Keys"]))
    sys.stdout.write(json.dumps({"level": "INFO", "message": "relayed"}) + "\n")
