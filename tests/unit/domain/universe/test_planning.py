from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.planning import plan
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import Member

AS_OF = datetime(2024, 1, 5, 13, tzinfo=UTC)

members = st.lists(
    st.builds(
        Member,
        symbol=st.from_regex(r"[A-Z]{2,5}/USDT", fullmatch=True),
        exchange=st.sampled_from(["binance", "kraken"]),
        bucket=st.integers(0, 2),
    ),
    unique_by=lambda member: member.symbol,
    max_size=120,
)


def shards_of(found: list[Member], shard_symbols: int = 7) -> list[Shard]:
    return plan(found, job="generate_signals", timeframe=Timeframe.H1, as_of=AS_OF, shard_symbols=shard_symbols)


@given(members)
def test_every_symbol_is_in_exactly_one_shard(found: list[Member]) -> None:
    planned = [symbol for shard in shards_of(found) for symbol in shard.symbols]
    assert sorted(planned) == sorted(member.symbol for member in found)


@given(members)
def test_a_shard_stays_within_one_bucket_of_one_exchange_and_within_the_limit(found: list[Member]) -> None:
    homes = {member.symbol: (member.exchange, member.bucket) for member in found}
    for shard in shards_of(found):
        assert {homes[symbol] for symbol in shard.symbols} == {(shard.exchange, shard.bucket)}
        assert len(shard.symbols) <= 7


@given(members)
def test_shards_of_one_bucket_differ_by_one_symbol_at_most(found: list[Member]) -> None:
    sizes: dict[tuple[str, int], list[int]] = {}
    for shard in shards_of(found):
        sizes.setdefault((shard.exchange, shard.bucket), []).append(len(shard.symbols))
    assert all(max(group) - min(group) <= 1 for group in sizes.values())


@given(members, st.randoms())
def test_the_plan_does_not_depend_on_the_order_of_the_members(found: list[Member], random) -> None:
    shuffled = random.sample(found, len(found))
    assert shards_of(shuffled) == shards_of(found)


@given(members)
def test_a_shard_survives_its_message(found: list[Member]) -> None:
    for shard in shards_of(found):
        assert Shard.from_message(shard.to_message()) == shard


def test_shards_are_numbered_within_their_plan() -> None:
    found = [Member(f"S{number}/USDT", "binance", 0) for number in range(20)]
    planned = shards_of(found)
    assert [(shard.number, shard.count) for shard in planned] == [(0, 3), (1, 3), (2, 3)]
