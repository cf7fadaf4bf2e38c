"""What the tests change about moto: no answer, and one refusal that is DynamoDB's own."""

import pytest
from botocore.exceptions import ClientError
from moto.core.serialize import JSONSerializer

from signalbox.adapters.aws import client
from tests.quick_moto import every_member, quicken

ITEM = {
    "id": {"S": "one"},
    "empty": {"S": ""},
    "number": {"N": "-1.50"},
    "bytes": {"B": b"\x00\xff"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "many bytes": {"BS": [b"\x01", b"\x02"]},
    "list": {"L": [{"S": "x"}, {"L": []}, {"M": {}}]},
    "map": {"M": {"N": {"S": "named like a kind"}, "inner": {"M": {"B": {"B": b""}}}}},
}


def test_every_kind_of_value_is_answered_as_moto_answers_by_itself(aws: None, monkeypatch: pytest.MonkeyPatch):
    dynamo = client("dynamodb")
    key = {"AttributeName": "id"}
    dynamo.create_table(
        TableName="kinds",
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        KeySchema=[{**key, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamo.put_item(TableName="kinds", Item=ITEM)

    def read() -> dict:
        return dynamo.get_item(TableName="kinds", Key={"id": {"S": "one"}})["Item"]

    quicken(monkeypatch)
    quick = read()
    monkeypatch.setattr(JSONSerializer, "_serialize_type_structure", every_member)

    assert quick == read() == ITEM


def test_a_range_that_ends_before_it_begins_is_refused_as_dynamodb_does(tables: None):
    def ask(low: str, high: str) -> None:
        client("dynamodb").query(
            TableName="test-signals",
            KeyConditionExpression="#symbol = :symbol AND #key BETWEEN :low AND :high",
            ExpressionAttributeNames={"#symbol": "symbol", "#key": "created_key"},
            ExpressionAttributeValues={":symbol": {"S": "BTC/USDT"}, ":low": {"S": low}, ":high": {"S": high}},
        )

    ask("a", "a")
    with pytest.raises(ClientError, match="upper bound to be greater than or equal to lower bound"):
        ask("b", "a")
