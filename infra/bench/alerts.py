"""What a move costs where very many alerts wait on one symbol: the items that one check reads."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from infra.bench.counting import CountingCandles, CountingChecks, CountingFrames
from infra.bench.findings import Figure, Findings, Table
from infra.bench.registry import subject
from signalbox.domain.alerts.alert import AlertKind
from signalbox.domain.instants import to_ms
from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.shards import Shard
from signalbox.services.evaluate_alerts import evaluate_alerts
from tests.builders import NOW, make_price
from tests.fakes.alerts import InMemoryAlerts, make_alert, make_terms
from tests.fakes.delivery import InMemoryAccounts

ALERTS = 100_000
CROSSED = 3
SYMBOL = "BTC/USDT"
MINUTE = timedelta(minutes=1)


@subject("Alerts: items read by a move where 100,000 wait")
def measure() -> Findings:
    """Return `alerts.items_read`."""
    read = items_read()
    figure = Figure(
        "alerts.items_read",
        sum(read.values()),
        "lower",
        10,
        f"items that one check reads when the price moves past {CROSSED} of {ALERTS} alerts on one symbol, by key and"
        " index alone: where alerts wait, the alerts, up to where it was looked at before, the prices that moves are"
        " measured from",
    )
    rows = tuple((what, str(count)) for what, count in sorted(read.items()))
    return Findings(figures=(figure,), tables=(Table("One check of one symbol, in items", ("item", "read"), rows),))


def items_read(alerts: int = ALERTS) -> Counter[str]:
    """Return what one check reads, by kind of item, when a move crosses three of so many alerts.

    Half of them wait for a rise and half for a fall, a cent apart; all are stored as the table stores them, each in the
    one place of the index where it waits.
    """
    stored, spent, looked = InMemoryAlerts(), Counter[str](), Counter[str]()
    frames, candles, checks = CountingFrames(spent), CountingCandles(spent), CountingChecks(looked)
    middle = Decimal(50_000)
    for at in range(alerts):
        kind = AlertKind.ABOVE if at % 2 else AlertKind.BELOW
        price = middle + (1 if at % 2 else -1) * Decimal(at // 2 + 1) / 100
        stored.add(make_alert(make_terms(kind, price=price), alert_id=f"alert-{at:06}"))
    cents = Decimal(CROSSED) / 100
    for minute, price in ((-60, middle), (0, middle), (1, middle + cents)):
        as_of = NOW + (minute + 120) * MINUTE
        found = {SYMBOL: make_price(SYMBOL, float(price), time=to_ms(as_of) + 1_000)}
        frames.save(PriceFrame(0, as_of, found))
        spent.clear()
        looked.clear()
        stored.items_read = stored.places_read = 0
        evaluate_alerts(
            Shard("reprice_signals", 0, 1, "binance", 0, Timeframe.H1, (SYMBOL,), as_of),
            found,
            (),
            alerts=stored,
            checks=checks,
            accounts=InMemoryAccounts(),
            candles=candles,
            frames=frames,
            now=as_of + timedelta(seconds=10),
            grace_seconds=10,
        )
    if len(stored.told()) != CROSSED:
        raise AssertionError(f"a move past {CROSSED} alerts must fire them, fired {len(stored.told())}")
    return Counter(
        alerts=stored.items_read,
        places=stored.places_read,
        checks=looked["items read"],
        **{"frames and candles": spent["items read"]},
    )
