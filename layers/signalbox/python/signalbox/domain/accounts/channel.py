"""Channels: the ways a message takes."""

from enum import StrEnum


class Channel(StrEnum):
    """The way a message takes."""

    EMAIL = "email"
    WEBSOCKET = "websocket"
    PUSH = "push"
