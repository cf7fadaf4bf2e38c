"""A storm of deliveries: who asks for what, what is published, and who must be told of it by a matcher of its own.

Nothing of the product decides here who is told: `expected` reads plain dicts and loops over everybody. Push goes to
topics; single devices are told on moto only, as the local cloud gives endpoints ARNs that AWS would not.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from infra.local.house import House
from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import Channel, Subscription
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Levels, Origin, Signal, SignalType
from signalbox.services.authorize import hash_key
from tests.builders import ended, make_signal
from tests.e2e.conftest import items_of

Told = tuple[str, str, str, str]
"""Who is told what: signal_id, kind, account_id, channel."""
STRATEGIES = ("breakout", "momentum", "mean_reversion", "trend_following")
_OURS = re.compile(r"-(routes|deliver-\w+)$")
OLD_ENOUGH = timedelta(seconds=930)
"""A signal of this age may be known to every tier: what is told of it waits for nobody's delay."""


def make_asked(seed: str, accounts: int, symbols: Sequence[str]) -> list[dict[str, Any]]:
    """What `accounts` accounts ask for, as plain dicts; one in eight asks twice, and may be matched by both."""
    dice = random.Random(seed)
    asked = []
    for number in range(accounts):
        account_id, tier = f"{seed}-{number}", list(Tier)[number % 3]
        for part in range(2 if number % 8 == 0 else 1):
            everything = dice.random() < 0.03
            asked.append(
                {
                    "subscription_id": f"{account_id}-{part}",
                    "account_id": account_id,
                    "tier": tier,
                    "email": f"{account_id}@signalbox.example",
                    "confirmed": dice.random() > 0.05,
                    "channels": dice.choice([["email"], ["email"], ["websocket"], ["email", "websocket"]]),
                    "symbols": [] if everything else dice.sample(list(symbols), dice.randint(1, min(4, len(symbols)))),
                    "strategies": dice.choice([[], [], dice.sample(STRATEGIES, 2)]),
                    "signal_types": dice.choice([[], [], ["BUY"], ["SELL"]]),
                    "timeframes": dice.choice([[], [], ["1h"], ["4h"]]),
                    "minimum_quality": 75.0 if everything else dice.choice([0.0, 0.0, 50.0, 70.0]),
                    "minimum_confidence": dice.choice([None, None, None, 0.5]),
                    "endings": dice.random() < 0.7,
                }
            )
    return asked


def make_storm(seed: str, count: int, symbols: Sequence[str]) -> list[Signal]:
    """`count` different signals, published long enough ago that every tier may know of them."""
    dice = random.Random(f"{seed} signals")
    published = datetime.now(UTC).replace(microsecond=0) - OLD_ENOUGH
    return [
        make_signal(
            published - timedelta(seconds=11 + number),
            symbol=symbols[number % len(symbols)],
            timeframe=dice.choice([Timeframe.H1, Timeframe.H4]),
            strategy=dice.choice(STRATEGIES),
            signal_type=dice.choice(list(SignalType)),
            levels=Levels(entry_price=Decimal(100), target_price=Decimal(100 + number), stop_loss=Decimal(95)),
            published_at=published,
            expires_at=published + timedelta(days=1),
            quality_score=float(dice.randint(40, 100)),
            confidence=dice.choice([None, 0.4, 0.6]),
            origin=Origin.SIMULATED,
        )
        for number in range(count)
    ]


def expected(asked: Iterable[Mapping[str, Any]], signals: Iterable[Signal], kind: str = "published") -> set[Told]:
    """Who must be told of these signals: every subscription is held against every one of them."""
    told: set[Told] = set()
    for signal in signals:
        for each in asked:
            wants = (
                (not each["symbols"] or signal.symbol in each["symbols"])
                and (not each["strategies"] or signal.strategy in each["strategies"])
                and (not each["signal_types"] or str(signal.signal_type) in each["signal_types"])
                and (not each["timeframes"] or str(signal.timeframe) in each["timeframes"])
                and signal.quality_score >= each["minimum_quality"]
                and (each["minimum_confidence"] is None or (signal.confidence or 0) >= each["minimum_confidence"])
                and (kind == "published" or each["endings"])
            )
            for channel in each["channels"] if wants else ():
                if channel != "email" or each["confirmed"]:
                    told.add((signal.signal_id, kind, each["account_id"], channel))
    return told


def unconfirmed(asked: Iterable[Mapping[str, Any]], signals: Sequence[Signal], kind: str = "published") -> set[Told]:
    """Who would be told by mail if they had confirmed their addresses: it is kept that they were not."""
    asked = list(asked)
    return expected([{**each, "confirmed": True} for each in asked], signals, kind) - expected(asked, signals, kind)


def fed(signals: Iterable[Signal], kind: str = "published") -> set[Told]:
    """What the topics of the tiers must be told: everything, by WebSocket in every tier, by push in those that pay."""
    feeds = [("free", "websocket"), *((tier, by) for tier in ("pro", "premium") for by in ("websocket", "push"))]
    return {(signal.signal_id, kind, f"feed:{tier}", channel) for signal in signals for tier, channel in feeds}


def subscribe(asked: Iterable[Mapping[str, Any]]) -> None:
    """Store the accounts and what they ask for, through the functions' own adapters; an account's id is its key."""
    from signalbox.adapters.storage.accounts import DynamoAccountRepository
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    for each in asked:
        sets = {name: frozenset(each[name]) for name in ("symbols", "strategies", "signal_types", "timeframes")}
        channels = frozenset(map(Channel, each["channels"]))
        account = Account(each["account_id"], each["tier"], each["email"])
        key = ApiKey(hash_key(each["account_id"]), account.account_id, "storm", account.tier)
        DynamoAccountRepository().put(account, key)
        DynamoSubscriptionRepository().put(Subscription(**{**each, **sets, "channels": channels}))


def unsubscribe(asked: Iterable[Mapping[str, Any]]) -> None:
    """Remove what was asked for, so that another storm is told to others."""
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    for each in asked:
        DynamoSubscriptionRepository().remove(each["account_id"], each["subscription_id"])


def rain(house: House, signals: Sequence[Signal], at_once: int = 20, patience: float = 600) -> None:
    """Publish signals in gusts: each `at_once`, and waited out, as forty workers share two processors here."""
    for start in range(0, len(signals), at_once):
        before, gust = events_relayed(house), signals[start : start + at_once]
        publish(gust)
        wait_for_quiet(house, before + len(gust), patience)


def publish(signals: Iterable[Signal]) -> None:
    """Write signals into the table, as `generate_signals` does."""
    from signalbox.adapters.storage.signals import DynamoSignalRepository

    for signal in signals:
        DynamoSignalRepository().add(signal)


def end(signals: Sequence[Signal]) -> list[Signal]:
    """Let signals reach their targets, as `reprice_signals` does; return them as they are then."""
    from signalbox.adapters.storage.signals import DynamoSignalRepository

    over = [ended(signal) for signal in signals]
    for before, after in zip(signals, over, strict=True):
        DynamoSignalRepository().update(before, after)
    return over


def wait_for_quiet(house: House, relayed: int, patience: float) -> None:
    """Return when `relayed` events have been copied from the stream and nothing of theirs is left to route or to send,
    what waits to be tried again included; fail after `patience` seconds. Read models are not waited for."""
    deadline, quiet = time.monotonic() + patience, 0
    while quiet < 3:
        left = waiting(house) if events_relayed(house) >= relayed else "the stream is read"
        quiet = 0 if left else quiet + 1
        assert house.cloud.running
        assert time.monotonic() < deadline, f"{left} after {patience:.0f} s"
        time.sleep(0.1)


def events_relayed(house: House) -> int:
    """How many events `relay_events` has reported, so far."""
    house.stepper.journal.read()
    return house.stepper.journal.reports["RelayReport.events"]


def waiting(house: House) -> str:
    """What waits in the queues of routing and sending, now or for its moment, in words; empty if nothing."""
    queues = {name: len(found) for name, found in house.cloud.messages().items() if _OURS.search(name)}
    return ", ".join(f"{count} in {name}" for name, count in queues.items() if count)


def stored(house: House) -> dict[Told, dict[str, Any]]:
    """Every delivery there is, by who is told what."""
    found = {}
    for item in items_of(house, "DeliveriesTable"):
        kind = item["event_id"]["S"].rsplit("!", 2)[1]
        found[item["signal_id"]["S"], kind, item["account_id"]["S"], item["channel"]["S"]] = item
    return found


def mailed(house: House) -> Counter[Told]:
    """Every mail that SES took, read back: how often each account was mailed of each event."""
    count: Counter[Told] = Counter()
    for mail in house.cloud.mailbox():
        to = mail["To"] if isinstance(mail["To"], list) else [mail["To"]]
        signal_id = mail["BodyText"].partition("Id: ")[2].partition("\n")[0].strip()
        kind = "ended" if ": TARGET_HIT" in mail["Subject"] else "published"
        for address in to:
            count[signal_id, kind, address.partition("@")[0], "email"] += 1
    return count


def logged(house: House) -> Counter[tuple[str, str]]:
    """Every entry of every topic, read back: how often each topic tells of each delivery."""
    items = items_of(house, "TopicLogTable")
    found = [(item["topic"]["S"], record) for item in items if (record := item.get("record"))]
    return Counter((topic, delivery_id_in(record["S"])) for topic, record in found)


def delivery_id_in(text: str) -> str:
    """The delivery that a JSON text tells of."""
    return text.partition('"delivery_id":')[2].split('"')[1]


def follow_topic(house: House, tier: str) -> str:
    """Let a queue follow the topic of SNS that hears what `tier` may know; return its address."""
    sqs = house.cloud.client("sqs")
    queue = sqs.create_queue(QueueName=f"follows-{tier}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    house.cloud.client("sns").subscribe(
        TopicArn=house.deployment.resources[f"Signals{tier.capitalize()}Topic"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    return queue


def take_all(house: House, queue: str) -> list[str]:
    """Take everything off a queue."""
    sqs, found = house.cloud.client("sqs"), []
    while batch := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in batch]
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(batch)]
        sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    return found
