"""The composition root: the only module that chooses adapters.

Each is made on first use and kept for the worker's life. Imports stand inside the factories, so that a function loads
only what it uses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.accounts.memory import Memory
from signalbox.domain.delivery.delivery import Channel
from signalbox.domain.delivery.topics import Feed, feed_topic
from signalbox.domain.universe.shards import Job
from signalbox.settings import resource, settings

if TYPE_CHECKING:
    from signalbox.domain.caching.figures import CacheFigures, Increments
    from signalbox.ports.access import OneTimeTokenRepository, QuotaRepository
    from signalbox.ports.alerts import AlertChecks, AlertRepository, RegimeRepository, TopicLog
    from signalbox.ports.caching import (
        AnswerStore,
        AskedRepository,
        CacheFiguresRepository,
        KeptAnswers,
        VersionRepository,
    )
    from signalbox.ports.delivery import (
        AccountRepository,
        ChannelSender,
        ConnectionPoster,
        DeliveryRepository,
        SubscriptionRepository,
    )
    from signalbox.ports.devices import DeviceRepository, PushPlatform
    from signalbox.ports.exports import ExportRepository, ObjectStore
    from signalbox.ports.market import (
        CandleCompactor,
        CandleReader,
        CandleStore,
        CurrentPrices,
        Exchange,
        ExchangeBudgets,
        PriceFrameStore,
    )
    from signalbox.ports.sentiment import (
        IndexSource,
        NewsRepository,
        NewsSource,
        SentimentRepository,
        SentimentScorer,
    )
    from signalbox.ports.signals import (
        PriceHistory,
        SignalChanges,
        SignalRepository,
        StoredSignals,
        SuppressionRepository,
    )
    from signalbox.ports.statistics import StatisticsRepository
    from signalbox.ports.topics import (
        AccountDeliveries,
        BatchSender,
        DeliveryLatencies,
        FollowerRepository,
        PriceTopics,
        SentDeliveries,
        TopicWriter,
    )
    from signalbox.ports.work import Clock, Queue, QueueWatch, TurnRepository, UniverseRepository


@cache
def signal_repository() -> "SignalRepository":
    from signalbox.adapters.storage.signals import DynamoSignalRepository

    return DynamoSignalRepository()


@cache
def stored_signals() -> "StoredSignals":
    from signalbox.adapters.storage.stored_signals import DynamoStoredSignals

    return DynamoStoredSignals()


@cache
def answer_cache() -> "KeptAnswers":
    """Return what gives answers to callers: kept ones while their data are as they were."""
    from signalbox.adapters.caching.listener import Listener
    from signalbox.domain.caching.figures import Increments

    listener = Listener(asked_repository(), cache_figures_repository(), Increments(cache_figures()), wall_clock().now)
    return _answer_cache(heard=listener.hear)


@cache
def warming_cache() -> "KeptAnswers":
    """Return the same for who asks on nobody's behalf: what it asks does not count as asked."""
    return _answer_cache()


def _answer_cache(**options: Any) -> "KeptAnswers":
    from signalbox.adapters.caching.answers import AnswerCache
    from signalbox.adapters.storage.cache import DynamoCacheReader

    return AnswerCache(DynamoCacheReader(), answer_store(), wall_clock().now, cache_figures(), **options)


@cache
def answer_store() -> "AnswerStore":
    from signalbox.adapters.storage.cache import DynamoAnswers

    return DynamoAnswers()


@cache
def version_repository() -> "VersionRepository":
    from signalbox.adapters.storage.cache import DynamoVersions

    return DynamoVersions()


@cache
def asked_repository() -> "AskedRepository":
    from signalbox.adapters.storage.cache import DynamoAsked

    return DynamoAsked()


@cache
def cache_figures() -> "CacheFigures":
    """Return what this worker's cache did since its start."""
    from signalbox.domain.caching.figures import CacheFigures

    return CacheFigures()


@cache
def cache_increments() -> "Increments":
    """Return what this worker's cache did since it was asked last: what is told as metrics."""
    from signalbox.domain.caching.figures import Increments

    return Increments(cache_figures())


@cache
def cache_figures_repository() -> "CacheFiguresRepository":
    from signalbox.adapters.storage.cache import DynamoCacheFigures

    return DynamoCacheFigures()


def take_answer_age() -> int | None:
    """Return the whole seconds of age of the oldest kept thing read since the last call, None if none was."""
    from signalbox.adapters.caching.ages import take_age

    return take_age()


@cache
def suppression_repository() -> "SuppressionRepository":
    from signalbox.adapters.storage.suppressions import DynamoSuppressionRepository

    return DynamoSuppressionRepository()


@cache
def candle_store() -> "CandleStore":
    from signalbox.adapters.storage.candles import DynamoCandleStore

    return DynamoCandleStore()


@cache
def warm_candle_store() -> "CandleStore":
    """Return the candle store that keeps what it has read: for workers that read the same windows again and again."""
    from signalbox.adapters.storage.warm_candles import WarmCandleStore

    return WarmCandleStore(candle_store())


@cache
def candle_reader() -> "CandleReader":
    """Return what reads candles without numpy, one symbol's at a time."""
    from signalbox.adapters.storage.candle_reader import DynamoCandleReader

    return DynamoCandleReader()


@cache
def candle_compactor() -> "CandleCompactor":
    from signalbox.adapters.storage.compaction import DynamoCandleCompactor

    return DynamoCandleCompactor()


@cache
def price_frame_store() -> "PriceFrameStore":
    from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore

    return DynamoPriceFrameStore()


@cache
def current_prices() -> "CurrentPrices":
    from signalbox.adapters.storage.current_prices import FramedCurrentPrices

    return FramedCurrentPrices(universe_repository(), price_frame_store())


@cache
def price_history() -> "PriceHistory":
    from signalbox.adapters.storage.price_history import DynamoPriceHistory

    return DynamoPriceHistory()


@cache
def signal_changes() -> "SignalChanges":
    from signalbox.adapters.storage.signal_changes import DynamoSignalChanges

    return DynamoSignalChanges()


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
def alert_repository() -> "AlertRepository":
    from signalbox.adapters.storage.alerts import DynamoAlertRepository

    return DynamoAlertRepository()


@cache
def alert_checks() -> "AlertChecks":
    from signalbox.adapters.storage.alert_checks import DynamoAlertChecks

    return DynamoAlertChecks()


@cache
def regime_repository() -> "RegimeRepository":
    from signalbox.adapters.storage.regimes import DynamoRegimeRepository

    return DynamoRegimeRepository()


@cache
def topic_log() -> "TopicLog":
    from signalbox.adapters.storage.topic_log import DynamoTopicLog

    return DynamoTopicLog()


@cache
def account_repository() -> "AccountRepository":
    from signalbox.adapters.storage.accounts import DynamoAccountRepository

    return DynamoAccountRepository()


@cache
def one_time_token_repository() -> "OneTimeTokenRepository":
    from signalbox.adapters.storage.tokens import DynamoOneTimeTokenRepository

    return DynamoOneTimeTokenRepository()


@cache
def quota_repository() -> "QuotaRepository":
    from signalbox.adapters.storage.quotas import DynamoQuotaRepository

    return DynamoQuotaRepository()


@cache
def remembered_keys() -> Memory[ApiKey]:
    return Memory()


@cache
def remembered_accounts() -> Memory[Account]:
    return Memory()


@cache
def remembered_monitoring() -> Memory[dict[str, Any]]:
    """Return what keeps the answer of `/signals/api/monitoring`: looking costs a call for each queue."""
    return Memory(timedelta(seconds=5))


def token_secret() -> bytes:
    """Return what tokens are signed with; there is no default, since whoever knows it can be anybody."""
    return resource("TOKEN_SECRET").encode()


@cache
def connection_repository() -> "FollowerRepository":
    from signalbox.adapters.storage.connections import DynamoConnectionRepository

    return DynamoConnectionRepository()


@cache
def connection_poster() -> "ConnectionPoster":
    from signalbox.adapters.channels.websocket import ApiGatewayPoster

    return ApiGatewayPoster(resource("WEBSOCKET_ENDPOINT"))


@cache
def exchange_budgets() -> "ExchangeBudgets":
    from signalbox.adapters.storage.exchange_budgets import DynamoExchangeBudgets

    return DynamoExchangeBudgets()


@cache
def exchange(exchange_id: str) -> "Exchange":
    from signalbox.adapters.exchanges.factory import open_budgeted_exchange

    return open_budgeted_exchange(exchange_id, settings(), exchange_budgets())


def exchanges() -> list["Exchange"]:
    """Return the exchanges in use, in order of preference."""
    return [exchange(exchange_id) for exchange_id in settings().exchanges]


@cache
def queue(name: str) -> "Queue":
    """Return the queue whose address the template put into `<name>_QUEUE_URL`."""
    from signalbox.adapters.queues import SqsQueue

    return SqsQueue(f"{name}_QUEUE_URL")


@cache
def queue_watch() -> "QueueWatch":
    """Return what looks at the queues that `WATCHED_QUEUES` lists."""
    from signalbox.adapters.queue_watch import SqsQueueWatch

    return SqsQueueWatch("WATCHED_QUEUES")


def shard_queue(job: Job) -> "Queue":
    """Return the queue that the shards of a job go to."""
    return queue("GENERATE" if job == "generate_signals" else "REPRICE")


def tier_queues() -> Mapping[Tier, "Queue"]:
    """Return each tier's delivery queue."""
    return {tier: queue(f"DELIVER_{tier.upper()}") for tier in Tier}


@cache
def senders() -> Mapping[Channel, "ChannelSender"]:
    from signalbox.adapters.channels.email import EmailSender

    return {Channel.EMAIL: EmailSender(settings().mail_sender, resource("MAIL_EVENTS"))}


def batch_senders() -> Mapping[Channel, "BatchSender"]:
    """Return the services that send many deliveries at once, by channel; topics are told by `services.topics`."""
    return {Channel.EMAIL: _bulk_email_sender(), Channel.PUSH: _push_sender()}


@cache
def _bulk_email_sender() -> "BatchSender":
    from signalbox.adapters.channels.bulk_email import BulkEmailSender

    return BulkEmailSender(settings().mail_sender, resource("MAIL_EVENTS"))


@cache
def device_repository() -> "DeviceRepository":
    from signalbox.adapters.storage.devices import DynamoDeviceRepository

    return DynamoDeviceRepository()


@cache
def push_platform() -> "PushPlatform | None":
    """Return what knows devices by endpoints, or None where the operator has no platform application."""
    from signalbox.adapters.channels.platform import SnsPlatform

    return SnsPlatform(settings().platform_application) if settings().platform_application else None


@cache
def _push_sender() -> "BatchSender":
    from signalbox.adapters.channels.push import PushSender

    return PushSender()


@cache
def sent_deliveries() -> "SentDeliveries":
    from signalbox.adapters.storage.deliveries import DynamoDeliveryRepository

    return DynamoDeliveryRepository()


@cache
def account_deliveries() -> "AccountDeliveries":
    from signalbox.adapters.storage.deliveries import DynamoDeliveryRepository

    return DynamoDeliveryRepository()


@cache
def topic_writer() -> "TopicWriter":
    from signalbox.adapters.storage.topic_log import DynamoTopicLog

    return DynamoTopicLog()


@cache
def price_topics() -> "PriceTopics":
    from signalbox.adapters.storage.price_topics import FramedPriceTopics

    return FramedPriceTopics(universe_repository(), price_frame_store(), clock())


@cache
def feeds() -> Sequence[Feed]:
    """Return the topics that hear of every signal: by WebSocket one for each tier, by push for those that have it.

    Queues hold messages back by the wall clock, so a run whose time is stepped has the topics without a delay only.
    """
    tiers = [tier for tier in Tier if settings().clock == "wall" or not tier.delay]
    posted = [Feed(tier, Channel.WEBSOCKET, feed_topic(tier)) for tier in tiers]
    pushed = [tier for tier in tiers if Channel.PUSH in tier.terms.channels]
    return [*posted, *(Feed(tier, Channel.PUSH, resource(f"SIGNALS_{tier.upper()}_TOPIC_ARN")) for tier in pushed)]


@cache
def delivery_latencies() -> "DeliveryLatencies":
    from signalbox.adapters.storage.delivery_latencies import DynamoDeliveryLatencies

    return DynamoDeliveryLatencies()


def dead_deliveries() -> "Queue":
    """Return where deliveries go that were tried as often as their channel allows."""
    from signalbox.adapters.queues import SqsQueue

    return SqsQueue("DELIVERY_DEAD_LETTERS_URL")


@cache
def statistics_repository() -> "StatisticsRepository":
    from signalbox.adapters.storage.statistics import DynamoStatisticsRepository

    return DynamoStatisticsRepository()


@cache
def export_repository() -> "ExportRepository":
    from signalbox.adapters.storage.exports import DynamoExportRepository

    return DynamoExportRepository()


@cache
def export_store() -> "ObjectStore":
    from signalbox.adapters.object_store import S3ObjectStore

    return S3ObjectStore("EXPORTS_BUCKET")


@cache
def news_repository() -> "NewsRepository":
    from signalbox.adapters.storage.news import DynamoNewsRepository

    return DynamoNewsRepository()


@cache
def sentiment_repository() -> "SentimentRepository":
    from signalbox.adapters.storage.sentiment import DynamoSentimentRepository

    return DynamoSentimentRepository()


def news_sources() -> list["NewsSource"]:
    """Return the feeds that are to be read; none where none is configured."""
    from signalbox.adapters.news.rss import RssFeed

    return [RssFeed(feed) for feed in settings().sentiment_feeds]


def fear_greed_source() -> "IndexSource | None":
    """Return the Fear & Greed index, or None where it is not configured."""
    from signalbox.adapters.news.fear_greed import AlternativeMe

    return AlternativeMe(settings().fear_greed_url) if settings().fear_greed_url else None


@cache
def sentiment_scorer() -> "SentimentScorer":
    from signalbox.adapters.news.crypto_vader import CryptoVader

    return CryptoVader()


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
