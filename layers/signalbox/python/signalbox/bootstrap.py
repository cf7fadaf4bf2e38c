"""The composition root: the only module that chooses adapters.

Each is made on first use and kept for the worker's life. Imports stand inside the factories, so that a function loads
only what it uses.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel
from signalbox.domain.universe.shards import Job
from signalbox.settings import settings

if TYPE_CHECKING:
    from signalbox.ports.delivery import (
        AccountRepository,
        ChannelSender,
        ConnectionPoster,
        ConnectionRepository,
        DeliveryRepository,
        SubscriptionRepository,
    )
    from signalbox.ports.market import CandleStore, Exchange, PriceFrameStore
    from signalbox.ports.signals import PriceHistory, SignalRepository, SuppressionRepository
    from signalbox.ports.work import Clock, Queue, TurnRepository, UniverseRepository


@cache
def signal_repository() -> "SignalRepository":
    from signalbox.adapters.storage.signals import DynamoSignalRepository

    return DynamoSignalRepository()


@cache
def suppression_repository() -> "SuppressionRepository":
    from signalbox.adapters.storage.suppressions import DynamoSuppressionRepository

    return DynamoSuppressionRepository()


@cache
def candle_store() -> "CandleStore":
    from signalbox.adapters.storage.candles import DynamoCandleStore

    return DynamoCandleStore()


@cache
def price_frame_store() -> "PriceFrameStore":
    from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore

    return DynamoPriceFrameStore()


@cache
def price_history() -> "PriceHistory":
    from signalbox.adapters.storage.price_history import DynamoPriceHistory

    return DynamoPriceHistory()


@cache
def universe_repository() -> "UniverseRepository":
    from signalbox.adapters.storage.universe import DynamoUniverseRepository

    return DynamoUniverseRepository()


@cache
def turn_repository() -> "TurnRepository":
    from signalbox.adapters.storage.turns import DynamoTurnRepository

    return DynamoTurnRepository()


@cache
def subscription_repository() -> "SubscriptionRepository":
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    return DynamoSubscriptionRepository()


@cache
def delivery_repository() -> "DeliveryRepository":
    from signalbox.adapters.storage.deliveries import DynamoDeliveryRepository

    return DynamoDeliveryRepository()


@cache
def account_repository() -> "AccountRepository":
    from signalbox.adapters.storage.accounts import DynamoAccountRepository

    return DynamoAccountRepository()


@cache
def connection_repository() -> "ConnectionRepository":
    from signalbox.adapters.storage.connections import DynamoConnectionRepository

    return DynamoConnectionRepository()


@cache
def connection_poster() -> "ConnectionPoster":
    from signalbox.adapters.channels.websocket import ApiGatewayPoster
    from signalbox.settings import resource

    return ApiGatewayPoster(resource("WEBSOCKET_ENDPOINT"))


@cache
def exchange(exchange_id: str) -> "Exchange":
    from signalbox.adapters.exchanges.factory import open_exchange

    return open_exchange(exchange_id, settings())


def exchanges() -> list["Exchange"]:
    """Return the exchanges in use, in order of preference."""
    return [exchange(exchange_id) for exchange_id in settings().exchanges]


@cache
def queue(name: str) -> "Queue":
    """Return the queue whose address the template put into `<name>_QUEUE_URL`."""
    from signalbox.adapters.queues import SqsQueue

    return SqsQueue(f"{name}_QUEUE_URL")


def shard_queue(job: Job) -> "Queue":
    """Return the queue that the shards of a job go to."""
    return queue("GENERATE" if job == "generate_signals" else "REPRICE")


def tier_queues() -> Mapping[Tier, "Queue"]:
    """Return each tier's delivery queue."""
    return {tier: queue(f"DELIVER_{tier.upper()}") for tier in Tier}


@cache
def senders() -> Mapping[Channel, "ChannelSender"]:
    from signalbox.adapters.channels.email import EmailSender

    return {Channel.EMAIL: EmailSender(settings().mail_sender)}


@cache
def wall_clock() -> "Clock":
    from signalbox.adapters.clocks import WallClock

    return WallClock()


@cache
def clock() -> "Clock":
    """Return the system clock: the wall clock, or in stepped runs the newest turn's."""
    from signalbox.adapters.clocks import MarketClock

    if settings().clock == "wall":
        return wall_clock()
    return MarketClock(turn_repository(), timedelta(seconds=settings().grace_seconds))


def turn_moment(as_of: datetime) -> datetime:
    """Return the moment it is for a worker of the turn `as_of`: in stepped runs the one at which its grace is over."""
    if settings().clock == "wall":
        return wall_clock().now()
    return as_of + timedelta(seconds=settings().grace_seconds)


def grace_delay(job: Job) -> int:
    """Return how many seconds a shard's message must wait, so that the candle it is for is closed for certain."""
    return settings().grace_seconds if job == "generate_signals" and settings().clock == "wall" else 0
