"""Settings: everything that differs between places, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from signalbox.domain.errors import InvalidValueError, MissingSettingError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.feeds import Feed, read_feeds
from signalbox.domain.signals.signal import Origin

ClockKind = Literal["wall", "market"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment, each an environment variable of the same name in capitals (`template.yaml`).

    `exchanges` are ccxt ids in order of preference: the first that lists a symbol is its home. `exchange_endpoint`
    replaces every exchange's own address by `<endpoint>/<exchange id>` (the local exchange). `symbols` fixes the
    universe; empty means the `universe_size` largest by quote volume. `clock` is `wall`, or `market` in stepped runs.
    `*_kept_*` say how long what nobody needs for ever is kept: deliveries after they were queued, entries of topics and
    price frames after they were written, alerts after they expired or fired, headlines after they were fetched, exports
    after their link ended. `platform_application` is the ARN under which SNS knows mobile devices; empty means that
    none can be registered. `sentiment_feeds` are news and `fear_greed_url` the index; empty means that neither is read.
    An export of more than `export_answer_bytes` is a job: Lambda passes on 6 MB, with everything around them.
    """

    origin: Origin
    clock: ClockKind
    code_version: str
    exchanges: tuple[str, ...]
    exchange_endpoint: str
    exchange_rate_limit_ms: int | None
    quote_currency: str
    symbols: tuple[str, ...]
    universe_size: int
    timeframes: tuple[Timeframe, ...]
    warm_up_candles: int
    grace_seconds: int
    shard_symbols: int
    sentiment_feeds: tuple[Feed, ...]
    fear_greed_url: str
    mail_sender: str
    page_url: str
    platform_application: str
    deliveries_kept_days: int
    topics_kept_hours: int
    prices_kept_days: int
    alerts_kept_days: int
    news_kept_days: int
    exports_kept_days: int
    export_answer_bytes: int

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings; raise InvalidValueError naming the variable whose value cannot be used."""
        rate_limit = env.get("EXCHANGE_RATE_LIMIT_MS", "")
        clock = env.get("CLOCK", "wall")
        if clock not in ("wall", "market"):
            raise InvalidValueError(f"CLOCK must be wall or market, was {clock!r}")
        return cls(
            origin=_origin(env.get("ORIGIN", "live")),
            clock="market" if clock == "market" else "wall",
            code_version=env.get("CODE_VERSION", "unknown"),
            exchanges=_words(env.get("EXCHANGES", "binance,bybit,kraken")),
            exchange_endpoint=env.get("EXCHANGE_ENDPOINT", ""),
            exchange_rate_limit_ms=_whole("EXCHANGE_RATE_LIMIT_MS", rate_limit) if rate_limit else None,
            quote_currency=env.get("QUOTE_CURRENCY", "USDT"),
            symbols=_words(env.get("SYMBOLS", "")),
            universe_size=_whole("UNIVERSE_SIZE", env.get("UNIVERSE_SIZE", "100")),
            timeframes=tuple(Timeframe.of(word) for word in _words(env.get("TIMEFRAMES", "1h"))),
            warm_up_candles=_whole("WARM_UP_CANDLES", env.get("WARM_UP_CANDLES", "300")),
            grace_seconds=_whole("GRACE_SECONDS", env.get("GRACE_SECONDS", "10")),
            shard_symbols=_whole("SHARD_SYMBOLS", env.get("SHARD_SYMBOLS", "40")),
            sentiment_feeds=read_feeds(env.get("SENTIMENT_FEEDS", "")),
            fear_greed_url=env.get("FEAR_GREED_URL", ""),
            mail_sender=env.get("MAIL_SENDER", "signals@signalbox.example"),
            page_url=env.get("PAGE_URL", ""),
            platform_application=env.get("PLATFORM_APPLICATION", ""),
            deliveries_kept_days=_whole("DELIVERIES_KEPT_DAYS", env.get("DELIVERIES_KEPT_DAYS", "90")),
            topics_kept_hours=_whole("TOPICS_KEPT_HOURS", env.get("TOPICS_KEPT_HOURS", "24")),
            prices_kept_days=_whole("PRICES_KEPT_DAYS", env.get("PRICES_KEPT_DAYS", "2")),
            alerts_kept_days=_whole("ALERTS_KEPT_DAYS", env.get("ALERTS_KEPT_DAYS", "30")),
            news_kept_days=_whole("NEWS_KEPT_DAYS", env.get("NEWS_KEPT_DAYS", "36")),
            exports_kept_days=_whole("EXPORTS_KEPT_DAYS", env.get("EXPORTS_KEPT_DAYS", "1")),
            export_answer_bytes=_whole("EXPORT_ANSWER_BYTES", env.get("EXPORT_ANSWER_BYTES", "5000000")),
        )


@cache
def settings() -> Settings:
    """Return this process's settings, read on first use."""
    return Settings.from_environment(os.environ)


def resource(name: str) -> str:
    """Return the name or address of a resource (`SIGNALS_TABLE`, `ROUTES_QUEUE_URL`) that the template put into the
    environment; raise MissingSettingError if this function was not given it."""
    try:
        return os.environ[name]
    except KeyError as e:
        raise MissingSettingError(f"environment variable {name} must be set for this function, was not") from e


def _origin(text: str) -> Origin:
    try:
        return Origin(text)
    except ValueError as e:
        raise InvalidValueError(f"ORIGIN must be one of {', '.join(Origin)}, was {text!r}") from e


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as e:
        raise InvalidValueError(f"{name} must be a whole number, was {text!r}") from e
