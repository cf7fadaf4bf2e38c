"""Check the alerts on one shard's symbols once a cycle: what was seen since the last check, against who waits for it.

First comes one read of where alerts on these symbols may wait at all; where nobody has one, that is all. Then nothing
is read but the alerts that it concerns: those between two prices or two moves, those nearer to a signal's level than it
came, those for a signal that their tier may see since. Prices are asked for without a lower bound: every alert that is
passed leaves its place, so that what was missed once is found by the next check.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.alerts.alert import EVERY_SYMBOL, WIDEST_NEAR, Alert, AlertKind, Window
from signalbox.domain.alerts.checks import Check
from signalbox.domain.alerts.events import distance_percent, fire_for_nearness, fire_for_signal
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.moves import Moves, fire_for_move, has_passed, move_between
from signalbox.domain.alerts.prices import advance
from signalbox.domain.alerts.triggers import moves_partition, near_partition, prices_partition, signals_partition
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from signalbox.domain.universe.shards import Shard
from signalbox.ports.alerts import AlertChecks, AlertRepository, TriggerRange
from signalbox.ports.delivery import AccountRepository
from signalbox.ports.market import CandleStore, PriceFrameStore
from signalbox.services.alert_observations import Sightings, look, moves_of
from signalbox.services.fire_alerts import AlertTally, Step, firing_step, move_all

FIRST_LOOK = timedelta(minutes=5)
"""How far back a symbol that was never checked is looked at for new signals."""

UNSEEN = timedelta(minutes=3)
"""How long after its publication a signal may still be missing among the open ones: it names the moment at which its
worker began, who may take two minutes to store it. So long before the last check counts as not looked at."""


@dataclass(frozen=True, slots=True)
class AlertsReport:
    """What one check of one shard came to. `alerts_moved` changed without firing: armed again, latched, expired."""

    alert_symbols: int
    alerts_read: int
    alerts_fired: int
    alerts_moved: int


@dataclass(frozen=True)
class _Round:
    """One check of one shard."""

    alerts: AlertRepository
    occupied: Collection[str]
    known: Mapping[str, Check]
    sightings: Mapping[str, Sightings]
    now: datetime
    tally: AlertTally
    tier_of: Callable[[str], Tier | None]

    def last_look(self, symbol: str) -> datetime:
        return self.known[symbol].at - UNSEEN if symbol in self.known else self.now - FIRST_LOOK

    def move(self, ranges: Sequence[TriggerRange], steps_of: Callable[[Alert], Iterable[Step]]) -> None:
        """Move the alerts that wait in any of `ranges` on by their steps."""
        worth_asking = [each for each in ranges if each.partition in self.occupied]
        found = self.alerts.waiting(worth_asking) if worth_asking else []
        self.tally.alerts_read += len(found)
        move_all(found, steps_of, alerts=self.alerts, tally=self.tally)

    def step(self, fire: Callable[..., Firing | None], **facts: Any) -> Step:
        """Return the step of alerts that `fire` for `facts`."""
        return firing_step(partial(fire, at=self.now, **facts), self.now)

    def telling_step(self, fire: Callable[..., Firing | None], **facts: Any) -> Step:
        """Return the step of alerts that `fire` for `facts` about an open signal: under the tier that the account has
        now. One that may not know of the signal yet takes that tier only, and fires when it may."""
        step = self.step(fire, **facts)

        def by_tier(alert: Alert) -> tuple[Alert, Sequence[Firing]]:
            after, firings = step(alert)
            tier = self.tier_of(alert.account_id) if firings else None
            return (after, firings) if tier in (None, alert.tier) else step(replace(alert, tier=tier))

        return by_tier


def evaluate_alerts(
    shard: Shard,
    prices: Mapping[str, ConsensusPrice],
    opened: Sequence[Signal],
    *,
    alerts: AlertRepository,
    checks: AlertChecks,
    accounts: AccountRepository,
    candles: CandleStore,
    frames: PriceFrameStore,
    now: datetime,
    grace_seconds: int,
) -> AlertsReport:
    """Fire the alerts that what was seen of the shard's symbols asks for, and remember up to where it was looked at.

    `prices` are this cycle's, `opened` the signals that were open when it began. Checking twice fires once: what an
    alert has counted it does not count again, and the check itself is stored last.

    Raises
    ------
    TransientError
        If storage failed.
    """
    known = checks.load(shard.bucket)
    closed_by = now - timedelta(seconds=grace_seconds)
    sightings = look(shard, prices, known, candles=candles, closed_by=closed_by)
    told = [signal for signal in opened if signal.strategy != NULL_STRATEGY and signal.symbol in sightings]
    occupied = alerts.occupied((*shard.symbols, EVERY_SYMBOL))
    round_ = _Round(alerts, occupied, known, sightings, now, AlertTally(), _tiers(accounts))
    _check_prices(round_)
    moves = moves_of(shard, sightings, frames=frames, now=now)
    _check_moves(round_, moves)
    _check_nearness(round_, told)
    _check_new_signals(round_, told)
    checks.save(shard.bucket, {symbol: _check(round_, symbol, prices, moves[symbol]) for symbol in sightings})
    tally = round_.tally
    return AlertsReport(len(sightings), tally.alerts_read, tally.alerts_fired, tally.alerts_moved)


def _tiers(accounts: AccountRepository) -> Callable[[str], Tier | None]:
    """Return what tells the tier of an account, None if there is none any more; read once."""

    @cache
    def tier_of(account_id: str) -> Tier | None:
        account = accounts.account(account_id)
        return None if account is None else account.tier

    return tier_of


def _check_prices(round_: _Round) -> None:
    ranges = []
    for symbol, sighted in round_.sightings.items():
        if sighted.seen:
            high, low = max(each.high for each in sighted.seen), min(each.low for each in sighted.seen)
            ranges.append(TriggerRange(prices_partition(symbol, rising=True), high=high))
            ranges.append(TriggerRange(prices_partition(symbol, rising=False), low=low))
    round_.move(ranges, lambda alert: (partial(advance, observations=round_.sightings[alert.terms.symbol].seen),))


def _check_moves(round_: _Round, moves: Mapping[str, Moves]) -> None:
    ranges = []
    for symbol, moved in moves.items():
        before = round_.known.get(symbol)
        for up, now, was in (
            (True, moved.up, before.up if before else {}),
            (False, moved.down, before.down if before else {}),
        ):
            for window, move in now.items():
                start = was.get(window, Decimal(0))
                if has_passed(start, move):
                    ranges.append(TriggerRange(moves_partition(symbol, window, up=up), start, move))

    def fire(alert: Alert, at: datetime) -> Firing | None:
        return fire_for_move(alert, _move_for(alert, moves[alert.terms.symbol], round_), at)

    round_.move(ranges, lambda _: (round_.step(fire),))


def _move_for(alert: Alert, moves: Moves, round_: _Round) -> Decimal:
    """Return the move that the alert is about, negative if down, of what was seen since it is on."""
    window, percent = alert.terms.window or Window.HOUR, alert.terms.percent or Decimal(0)
    begin = max(alert.since, round_.now - window.length)
    reached = round_.sightings[alert.terms.symbol].range_since(begin)
    if reached is None or window not in moves.before:
        return Decimal(0)
    up, down = move_between(moves.before[window], *reached)
    return up if percent > 0 else -down


def _check_nearness(round_: _Round, signals: Sequence[Signal]) -> None:
    steps: dict[str, list[Step]] = {}
    ranges = []
    for signal in signals:
        reached = round_.sightings[signal.symbol].range_since(signal.published_at)
        if reached is None:
            continue
        for kind in (AlertKind.NEAR_TARGET, AlertKind.NEAR_STOP):
            left, before = distance_percent(signal, kind, *reached), _distance_before(round_, signal, kind)
            if left < before and left <= WIDEST_NEAR:
                ranges.append(TriggerRange(near_partition(signal.symbol), left, min(before, WIDEST_NEAR)))
                step = round_.telling_step(partial(_fire_if_near, signal, round_.sightings[signal.symbol]))
                steps.setdefault(signal.symbol, []).append(step)
    round_.move(ranges, lambda alert: steps[alert.terms.symbol])


def _fire_if_near(signal: Signal, sighted: Sightings, alert: Alert, at: datetime) -> Firing | None:
    """Return what `alert` fires for what was seen since it is on, and since the signal is out, or None."""
    reached = sighted.range_since(max(signal.published_at, alert.since))
    return None if reached is None else fire_for_nearness(alert, signal, *reached, at)


def _distance_before(round_: _Round, signal: Signal, kind: AlertKind) -> Decimal:
    """Return how near the last check found the price; as if it had been far if a tier may see the signal only since."""
    last = round_.known.get(signal.symbol)
    if last is None or last.price is None or any(_seen_since(round_, signal, tier) for tier in Tier):
        return WIDEST_NEAR + 1
    return distance_percent(signal, kind, last.price, last.price)


def _check_new_signals(round_: _Round, signals: Sequence[Signal]) -> None:
    for signal in signals:
        quality = Decimal(repr(float(signal.quality_score)))
        ranges = [
            TriggerRange(signals_partition(symbol, tier), high=quality)
            for tier in Tier
            if _seen_since(round_, signal, tier)
            for symbol in (signal.symbol, EVERY_SYMBOL)
        ]
        step = round_.telling_step(fire_for_signal, signal=signal)
        round_.move(ranges, lambda _, step=step: (step,))  # type: ignore[misc]


def _seen_since(round_: _Round, signal: Signal, tier: Tier) -> bool:
    """Whether accounts of a tier may see the signal now, and might not at the last check."""
    return round_.last_look(signal.symbol) < signal.published_at + tier.delay <= round_.now


def _check(round_: _Round, symbol: str, prices: Mapping[str, ConsensusPrice], moves: Moves) -> Check:
    sighted, last = round_.sightings[symbol], round_.known.get(symbol)
    price = Decimal(repr(float(prices[symbol].price))) if symbol in prices else None
    return Check(
        at=round_.now,
        candles_until=sighted.candles_until,
        price=price if price is not None or last is None else last.price,
        up=moves.up,
        down=moves.down,
    )
