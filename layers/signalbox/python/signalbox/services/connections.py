"""WebSocket connections: who is there, and an answer to whoever asks."""

import json
from datetime import datetime

from signalbox.domain.accounts.account import Tier
from signalbox.ports.delivery import ConnectionPoster, ConnectionRepository


def connect(
    connection_id: str, account_id: str, tier: Tier, *, connections: ConnectionRepository, now: datetime
) -> None:
    """Remember a connection and whose it is."""
    connections.add(connection_id, account_id, tier, now)


def disconnect(connection_id: str, *, connections: ConnectionRepository) -> None:
    """Forget a connection."""
    connections.remove(connection_id)


def receive(connection_id: str, body: str | None, *, poster: ConnectionPoster) -> None:
    """Answer one message: `{"action": "ping"}` with a pong, anything else with what is understood."""
    try:
        message = json.loads(body or "")
    except ValueError:
        message = None
    if isinstance(message, dict) and message.get("action") == "ping":
        poster.post(connection_id, {"type": "pong"})
        return
    poster.post(connection_id, {"type": "error", "detail": 'expected {"action": "ping"}, found something else'})
