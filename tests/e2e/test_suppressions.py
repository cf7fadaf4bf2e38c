"""What was not sent is judged by the nightly run, on the real template with IAM evaluation on."""

from collections.abc import Callable
from datetime import datetime, timedelta

from infra.local.demo_account import as_function, table_settings
from infra.local.exchange.market import HOME_EXCHANGE
from infra.local.house import House
from signalbox.adapters.storage.suppressions import DynamoSuppressionRepository
from signalbox.domain.signals.signal import SignalType, Status
from tests.builders import make_levels, make_suppression
from tests.e2e.conftest import Walk

HOUR = timedelta(hours=1)


def test_a_candidate_that_is_over_gets_its_ending_in_the_night_and_is_due_no_more(
    walk: Walk, cloud: House, step_turns: Callable[[int], list[datetime]]
) -> None:
    step_turns(1)
    suppressed = make_suppression(
        exchange=HOME_EXCHANGE,
        strategy="never_sent",
        created_at=walk.at - 12 * HOUR,
        expires_at=walk.at - 6 * HOUR,
        signal_type=SignalType.BUY,
        levels=make_levels("0.02", "0.03", "0.01"),
    )
    (nightly,) = [each for each in cloud.stepper.schedules if each.body(walk.at)["job"] == "compact_candles"]
    with as_function(cloud.cloud, table_settings(cloud.deployment)):
        suppressions = DynamoSuppressionRepository()
        suppressions.add(suppressed)
        assert suppressed in suppressions.due("BTC/USDT", walk.at, 1000)
        cloud.stepper.call(nightly, walk.at)
        (found,) = [each for each in suppressions.of_symbol("BTC/USDT", 1000) if each.strategy == "never_sent"]
        assert found.ending is not None
        assert found.ending.status is Status.INVALIDATED  # It would have been filled far beyond its target.
        assert found not in suppressions.due("BTC/USDT", walk.at, 1000)
    assert not cloud.stepper.backlog.dead_letters()
