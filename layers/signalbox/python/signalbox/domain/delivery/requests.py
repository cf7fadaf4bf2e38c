"""What a WebSocket client may ask for: one JSON object with an `action`."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from signalbox.domain.errors import InvalidValueError

LONGEST = 1024
"""Characters of a message."""
MOST_MESSAGES = 50
"""Messages of one connection within one window of ten seconds."""
MOST_TOPICS = 50
"""Topics that one connection may follow."""


class Action(StrEnum):
    """What a client asks for."""

    PING = "ping"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `after` is the last number that the client has of the topic it resumes."""

    action: Action
    topic: str = ""
    after: int = 0


def read_request(body: str | None) -> Request:
    """Return what a client asks for; raise InvalidValueError, whose text is for the client, if it is nothing known."""
    if body is not None and len(body) > LONGEST:
        raise InvalidValueError(f"message must be at most {LONGEST} characters, was {len(body)}")
    message = _json_object(body)
    action, topic, after = message.get("action"), message.get("topic", ""), message.get("after", 0)
    if not isinstance(action, str) or action not in set(Action):
        raise InvalidValueError(f"action must be one of {', '.join(Action)}")
    if action != Action.PING and not (isinstance(topic, str) and topic):
        raise InvalidValueError("topic must be a text, as signals")
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < 1 << 53:
        raise InvalidValueError("after must be a whole number from 0, the last one that you have")
    return Request(Action(action), topic if isinstance(topic, str) else "", after)


def _json_object(body: str | None) -> dict[str, Any]:
    try:
        message = json.loads(body or "")
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InvalidValueError('message must be a JSON object, as {"action": "ping"}')
    return message
