"""What the code of the cache takes for granted of its queue and of the tiers."""

from infra.assemble import assemble
from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.versions import PUBLICATIONS_KEPT
from signalbox.services.move_versions import LONGEST_DELAY_SECONDS


def test_a_call_to_warm_outlives_the_longest_time_it_is_held_back():
    queue = assemble()["Resources"]["WarmQueue"]["Properties"]

    assert queue["MessageRetentionPeriod"] >= LONGEST_DELAY_SECONDS + 300


def test_a_publication_is_remembered_until_every_tier_has_seen_it():
    assert max(tier.delay for tier in Tier) < PUBLICATIONS_KEPT
