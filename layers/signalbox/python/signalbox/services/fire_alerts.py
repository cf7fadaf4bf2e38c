"""Move alerts on: each step is stored if the alert still is as it was read, and is thought over again if not."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

from signalbox.domain.alerts.alert import Alert
from signalbox.domain.alerts.events import fire_for_regime
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.triggers import regime_partition
from signalbox.domain.regimes.change import RegimeChange
from signalbox.ports.alerts import AlertRepository, TriggerRange
from signalbox.services.parallel import in_parallel

Step = Callable[[Alert], tuple[Alert, Sequence[Firing]]]
"""What becomes of an alert: the same object if nothing does."""


@dataclass(slots=True)
class AlertTally:
    """What moving alerts on came to. `alerts_moved` changed without firing: armed again, latched, expired."""

    alerts_read: int = 0
    alerts_fired: int = 0
    alerts_moved: int = 0

    def add(self, other: "AlertTally") -> None:
        """Count what `other` counted."""
        self.alerts_read += other.alerts_read
        self.alerts_fired += other.alerts_fired
        self.alerts_moved += other.alerts_moved


def move_all(
    found: Iterable[Alert],
    steps_of: Callable[[Alert], Iterable[Step]],
    *,
    alerts: AlertRepository,
    tally: AlertTally,
) -> None:
    """Move each of `found` on by its steps: several accounts at once, the alerts of one in turn, as they share a topic.

    Raises
    ------
    TransientError
        If storage failed for one. Others were moved on or were not; doing all of it again moves on those that were not.
    """

    def move(group: Sequence[Alert]) -> AlertTally:
        own = AlertTally()
        for alert in group:
            for step in steps_of(alert):
                move_on(alert, step, alerts=alerts, tally=own)
        return own

    in_order = sorted(found, key=lambda alert: (alert.account_id, alert.alert_id))
    groups = [list(group) for _, group in groupby(in_order, key=lambda alert: alert.account_id)]
    for own in in_parallel(move, groups):
        tally.add(own)


def move_on(alert: Alert, step: Step, *, alerts: AlertRepository, tally: AlertTally) -> None:
    """Store what `step` makes of `alert`; if another worker or its owner was first, of what that made of it.

    What was told before, for which `update` refuses an alert that has not changed, is not told again.
    """
    current: Alert | None = alert
    while current is not None:
        after, firings = step(current)
        if after is current:
            return
        if alerts.update(current, after, firings):
            tally.alerts_fired += len(firings)
            tally.alerts_moved += not firings
            return
        stored = alerts.get(current.account_id, current.alert_id)
        current = None if stored is None or stored.version == current.version else stored


def firing_step(fire: Callable[[Alert], Firing | None], now: datetime) -> Step:
    """Return the step of alerts that fire or do not, once for each occasion, and retire when they expired."""

    def step(alert: Alert) -> tuple[Alert, Sequence[Firing]]:
        if alert.active and alert.terms.expires_at <= now:
            return replace(alert, active=False), ()
        firing = fire(alert)
        if firing is None or (alert.last is not None and alert.last.occasion == firing.occasion):
            return alert, ()
        return alert.after_firing(firing), (firing,)

    return step


def alert_of_regimes(changes: Iterable[RegimeChange], *, alerts: AlertRepository, now: datetime) -> AlertTally:
    """Tell those who asked for it of changes of regime; telling of one again tells nobody twice."""
    tally = AlertTally()
    for change in changes:
        waiting = alerts.waiting([TriggerRange(regime_partition(change.symbol, change.timeframe))])
        tally.alerts_read += len(waiting)
        step = firing_step(partial(fire_for_regime, change=change), now)
        move_all(waiting, lambda _, step=step: (step,), alerts=alerts, tally=tally)  # type: ignore[misc]
    return tally
