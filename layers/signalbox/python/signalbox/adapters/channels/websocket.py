"""Posts to WebSocket connections through API Gateway's own endpoint for them."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from signalbox.adapters.aws import client
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError


class ApiGatewayPoster:
    """Implements `ports.ConnectionPoster`; `endpoint` is the stage's https address."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    @cached_property
    def _client(self) -> Any:
        return client("apigatewaymanagementapi", endpoint_url=self._endpoint)

    def post(self, connection_id: str, message: Mapping[str, Any]) -> None:
        """Send one JSON message to a connection."""
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=json.dumps(message).encode())
        except self._client.exceptions.GoneException as e:
            raise RecipientRejectedError(f"connection {connection_id} must be open, is gone") from e
        except (BotoCoreError, ClientError) as e:
            raise ChannelUnavailableError(f"posting to connection {connection_id} failed: {e}") from e
