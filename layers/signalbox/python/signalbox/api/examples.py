"""Examples for the documentation: one word list by field name, from which whole documents are put together."""

import re
from collections.abc import Mapping
from typing import Any

PATH_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "signal_id": ("The `id` of a signal", "BTC-USDT~20240105T130000Z~trend_following~1h"),
    "alert_id": ("The `alert_id` of one of the caller's alerts", "alert_Zk3vQ1x8nWc0aTfB"),
    "subscription_id": ("The `subscription_id` of one of the caller's subscriptions", "sub_Zk3vQ1x8nWc0aTfB"),
    "device_id": ("The `device_id` of one of the caller's devices", "dev_4f9d1c2b3a5e6f708192a3b4c5d6e7f8"),
    "export_id": ("The `id` of one of the caller's large exports", "mD3s0v2cQ9wXo1Jt7LrKfA8e"),
    "prefix": ("How the text of one of the caller's keys begins", "sb_0123456"),
    "token": ("What the link in a mail ends with", "eyJhIjoiYWNjXzEifQ.c2lnbmF0dXJl"),
}
"""The meaning and an example of each parameter in a path."""

_NAMED: Mapping[str, Any] = {
    "id": PATH_PARAMETERS["signal_id"][1],
    "symbol": "BTC/USDT",
    "symbols": ["BTC/USDT", "ETH/USDT"],
    "exchange": "binance",
    "timeframe": "1h",
    "strategy": "trend_following",
    "strategies": ["trend_following"],
    "signal_type": "BUY",
    "entry_price": "42283.58",
    "price": "42283.58",
    "target_price": "43120.4",
    "stop_loss": "41865.1",
    "exit_price": "43120.4",
    "filled_price": "42290.01",
    "waits_at": "42000",
    "open": "42283.58", "high": "42340", "low": "42251.2", "close": "42310.77", "volume": "812.40311",
    "quality_score": 78.5,
    "quality_min": 70,
    "quality_max": 100,
    "minimum_quality": 70.0,
    "confidence": 0.57,
    "confidence_min": 0.5,
    "confidence_max": 1,
    "minimum_confidence": 0.5,
    "regime": "UP/NORMAL",
    "direction": "UP",
    "volatility": "NORMAL",
    "reasons": {"adx": 27.4},
    "features": {"atr": 318.2},
    "quality_parts": {"confluence": 24.0},
    "summary": "Trend up: EMA 21 above EMA 55, ADX 27",
    "origin": "live",
    "code_version": "1.4.0",
    "candles_hash": "9f2c",
    "limit": 50,
    "next": "eyJrIjoiMjAyNCJ9.c2ln",
    "cursor": "eyJrIjoiMjAyNCJ9.c2ln",
    "q": "BTC breakout quality>80 status:stop",
    "from": "2024-01-01T00:00:00Z",
    "to": "2024-01-05T00:00:00Z",
    "asset": "BTC",
    "source": "alternative.me",
    "sources": {"coindesk": {"n": 4, "mean": 0.21}},
    "classification": "Greed",
    "email": "ada@example.com",
    "token": "3q2vJk8ZrT0yXwLmN5cB7aQe",
    "account_id": "acc_7f3d2c1b",
    "tier": "pro",
    "scopes": ["read"],
    "label": "my notebook",
    "prefix": PATH_PARAMETERS["prefix"][1],
    "key": "sb_0123456789abcdefghijklmnopqrstuv",
    "channels": ["email"],
    "subscription_id": PATH_PARAMETERS["subscription_id"][1],
    "alert_id": PATH_PARAMETERS["alert_id"][1],
    "name": "Breakouts",
    "time_zone": "Europe/Berlin",
    "start": "22:30",
    "end": "07:00",
    "daily_budget": 10,
    "note": "look at the order book first",
    "percent": 5.0,
    "value": "42000",
    "headline": "BTC/USDT rose above 42000",
    "job": "generate_signals",
    "expires_in_days": 90,
    "status": "OPEN",
    "detail": "a link is on its way",
    "field": "limit",
    "expires_at": "2024-01-06T01:00:00Z",
}  # fmt: skip
_PLAIN: Mapping[str, Any] = {"string": "text", "number": 0.5, "integer": 1, "boolean": True, "null": None}
_TEXTS = ("1.25", "2024-01-05", "2024-01", "22:30", "BTC/USDT", "9f2c", "text")
"""Texts for patterns, the first that fits."""
_KINDS: Mapping[Any, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,),
    "array": (list,), "object": (dict,),
}  # fmt: skip


def example_of(name: str, schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """Return a value that fits `schema`, the one that `name` is known by where there is one.

    `components` are the schemas that references lead to.
    """
    if "$ref" in schema or "anyOf" in schema:
        return example_of(name, _followed(schema, components), components)
    if name in _NAMED and _fits(_NAMED[name], schema, components):
        return _NAMED[name]
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "properties" in schema:
        return {each: example_of(each, part, components) for each, part in schema["properties"].items()}
    return _of_kind(name, schema, components)


def _followed(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference leads to, or the first choice that is not null."""
    found: Mapping[str, Any]
    if "$ref" in schema:
        found = components[schema["$ref"].rpartition("/")[2]]
    else:
        found = next(each for each in schema["anyOf"] if each != {"type": "null"})
    return found


def _of_kind(name: str, schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "object")
    if kind == "array":
        parts = schema.get("prefixItems") or [schema["items"]] * max(1, schema.get("minItems", 1))
        return [example_of(name.removesuffix("s"), part, components) for part in parts]
    if kind == "object":
        return {}
    if "pattern" in schema:
        return next((text for text in _TEXTS if re.search(schema["pattern"], text)), _PLAIN["string"])
    if schema.get("format") == "date-time":
        return "2024-01-05T13:00:00Z"
    return max(_PLAIN[kind], schema["minimum"]) if "minimum" in schema else _PLAIN[kind]


def _fits(value: Any, schema: Mapping[str, Any], components: Mapping[str, Any]) -> bool:
    """Return whether a value of the word list is of the schema's type and among its choices."""
    if "$ref" in schema or "anyOf" in schema:
        return _fits(value, _followed(schema, components), components)
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kind = schema.get("type")
    is_of_kind = isinstance(value, _KINDS.get(kind, ()))
    if not is_of_kind:
        return False
    if isinstance(value, list):
        return all(_fits(each, schema.get("items", {}), components) for each in value)
    return not isinstance(value, str) or re.search(schema.get("pattern", ""), value) is not None
