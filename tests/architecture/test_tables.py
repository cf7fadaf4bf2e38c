"""The template's tables and the models in adapters/storage are the same tables."""

import os
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from signalbox.adapters import storage
from signalbox.adapters.storage.dynamo import Table
from signalbox.adapters.storage.publication import LIFECYCLE, PUBLISHED
from signalbox.adapters.storage.signal_items import LEVELS, SignalItem, item_of
from signalbox.domain.signals.signal import Signal
from tests.builders import make_signal
from tests.conftest import TABLES, template_tables

for path in Path(storage.__path__[0]).glob("*.py"):
    import_module(f"signalbox.adapters.storage.{path.stem}")

MODELS = {model.setting: model for model in Table.__subclasses__()}


def shape(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Keys, their types and the indexes of a table, however they are spelled."""
    types = {each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]}

    def keys(schema: list[dict[str, str]]) -> dict[str, tuple[str, str]]:
        return {each["KeyType"]: (each["AttributeName"], types[each["AttributeName"]]) for each in schema}

    indexes = [*definition.get("GlobalSecondaryIndexes", []), *definition.get("LocalSecondaryIndexes", [])]
    return {
        "keys": keys(definition["KeySchema"]),
        "indexes": {each["IndexName"]: (keys(each["KeySchema"]), each["Projection"]) for each in indexes},
    }


def model_shape(model: type[Table]) -> dict[str, Any]:
    schema = model._get_schema()
    return shape(
        {
            "AttributeDefinitions": schema["attribute_definitions"],
            "KeySchema": schema["key_schema"],
            "GlobalSecondaryIndexes": [
                {"IndexName": each["index_name"], "KeySchema": each["key_schema"], "Projection": each["projection"]}
                for each in (*schema["global_secondary_indexes"], *schema["local_secondary_indexes"])
            ],
        }
    )


def test_every_table_has_a_model_and_every_model_a_table():
    assert set(MODELS) == set(template_tables()) == set(TABLES)


@pytest.mark.parametrize("setting", sorted(MODELS))
def test_a_model_has_the_keys_and_indexes_of_its_table(setting: str):
    assert model_shape(MODELS[setting]) == shape(template_tables()[setting])


@pytest.mark.parametrize("setting", sorted(MODELS))
def test_a_table_is_named_by_the_environment_and_only_when_it_is_used(setting: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(setting, "named-later")

    assert MODELS[setting].name() == "named-later"
    assert MODELS[setting]._get_connection().table_name == "named-later"


def test_tests_name_tables_apart():
    assert len({os.environ[setting] for setting in TABLES}) == len(TABLES)


def test_every_field_of_a_signal_is_stored():
    stored = set(SignalItem.get_attributes())
    derived = {"levels", "created_at"}  # as three attributes; inside created_key

    assert {field.name for field in fields(Signal)} - derived <= stored
    assert set(LEVELS) <= stored


def test_no_key_of_a_signal_but_the_open_ones_depends_on_its_life():
    item = item_of(make_signal())

    assert set(PUBLISHED) | set(LIFECYCLE) == {field.name for field in fields(Signal)}
    assert item.feed_partition == "2024-01#0"
    assert item.created_key == "2024-01-05T13:00:00Z#BTC-USDT~20240105T130000Z~trend_following~1h"
    assert item.open_key == f"BTC/USDT#{item.created_key}"
