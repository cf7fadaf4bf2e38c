"""What holds of the consensus for all quotes."""

from hypothesis import assume, given
from hypothesis import strategies as st

from signalbox.domain.market.consensus import ConsensusPrice, NoPrice, agree
from signalbox.domain.market.quotes import Quote

NOW = 1_704_459_600_000
SYMBOL = "BTC/USDT"

prices = st.floats(1e-6, 1e6)
volumes = st.none() | st.floats(0, 1e12)
references = st.none() | prices


def quote(number: int, price: float, volume: float | None) -> Quote:
    return Quote(SYMBOL, f"exchange{number}", NOW - number, None, None, price, volume)


@st.composite
def markets(draw: st.DrawFn, least: int = 1) -> list[Quote]:
    """One to seven exchanges, some close together and some anywhere."""
    base = draw(prices)
    near = st.floats(0.98, 1.02).map(lambda part: base * part)
    found = draw(st.lists(st.tuples(st.one_of(near, near, prices), volumes), min_size=least, max_size=7))
    return [quote(number, *values) for number, values in enumerate(found)]


@given(quotes=markets(), reference=references, order=st.randoms(use_true_random=False))
def test_the_order_of_quotes_does_not_matter(quotes: list[Quote], reference: float | None, order):
    shuffled = list(quotes)
    order.shuffle(shuffled)
    assert agree(SYMBOL, quotes, now_ms=NOW, reference=reference) == agree(
        SYMBOL, shuffled, now_ms=NOW, reference=reference
    )


@given(quotes=markets(), reference=references, rejected=st.sets(st.integers(0, 6)))
def test_the_price_lies_among_those_it_came_from_and_everybody_is_accounted_for(
    quotes: list[Quote], reference: float | None, rejected: set[int]
):
    before = frozenset(f"exchange{number}" for number in rejected)
    found = agree(SYMBOL, quotes, now_ms=NOW, reference=reference, previously_rejected=before)
    if isinstance(found, NoPrice):
        assert found.rejected.keys() == {q.exchange for q in quotes}
        return
    used = [q.last for q in quotes if q.exchange in found.used]
    assert min(used) <= found.price <= max(used)
    assert {*found.used, *found.rejected} == {q.exchange for q in quotes}
    assert not set(found.used) & set(found.rejected)
    assert found.low_trust or len(found.used) > 1


@given(
    base=prices,
    parts=st.lists(st.tuples(st.floats(0.999, 1.001), volumes), min_size=2, max_size=6),
    outlier=st.floats(1e-9, 1e12),
    volume=volumes,
)
def test_one_outlier_of_any_size_moves_nothing_beyond_the_others_range(
    base: float, parts: list[tuple[float, float | None]], outlier: float, volume: float | None
):
    honest = [quote(number, base * part, weight) for number, (part, weight) in enumerate(parts)]
    found = agree(SYMBOL, [*honest, quote(99, outlier, volume)], now_ms=NOW, reference=base)
    assert isinstance(found, ConsensusPrice)
    assert min(q.last for q in honest) <= found.price <= max(q.last for q in honest)


@given(quotes=markets(least=3), factor=st.floats(0.5, 2.0))
def test_a_move_that_all_share_to_the_last_digit_moves_the_price_by_as_much(quotes: list[Quote], factor: float):
    before = agree(SYMBOL, quotes, now_ms=NOW)
    assume(isinstance(before, ConsensusPrice) and len(before.used) >= 3)
    used = [q for q in quotes if q.exchange in before.used]
    assume(max(q.last for q in used) / min(q.last for q in used) < 1.02)
    moved = [Quote(SYMBOL, q.exchange, q.time, None, None, q.last * factor, q.quote_volume) for q in used]
    after = agree(SYMBOL, moved, now_ms=NOW, reference=before.price)
    assert isinstance(after, ConsensusPrice)
    assert min(q.last for q in moved) <= after.price <= max(q.last for q in moved)
