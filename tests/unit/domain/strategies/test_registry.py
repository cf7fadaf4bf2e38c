import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import NULL_STRATEGY
from signalbox.domain.strategies.names import strategy_names
from signalbox.domain.strategies.registry import register, strategies, strategy

HOUSE = {
    "breakout",
    "mean_reversion",
    "momentum",
    "null",
    "rsi_divergence",
    "timeframe_confluence",
    "trend_following",
    "volatility_squeeze",
}


def test_every_module_of_the_package_is_found_and_the_template_is_not() -> None:
    assert {found.name for found in strategies()} >= HOUSE
    assert "relative_strength_extreme" not in {found.name for found in strategies()}


def test_the_names_are_known_without_loading_a_strategy() -> None:
    assert strategy_names() == tuple(each.name for each in strategies())


def test_an_unknown_name_fails_and_names_the_known_ones() -> None:
    with pytest.raises(InvalidValueError, match=r"trend_following.*was 'moon'"):
        strategy("moon")


def test_only_the_coin_is_never_delivered() -> None:
    assert [found.name for found in strategies() if not found.deliverable] == [NULL_STRATEGY]


@pytest.mark.parametrize("name", ["", "Trend", "a b", "x" * 41])
def test_a_name_that_no_id_could_carry_is_refused(name: str) -> None:
    kind = type("Odd", (type(strategy("momentum")),), {"name": name})
    with pytest.raises(InvalidValueError, match="must match"):
        register(kind)


def test_a_name_that_is_taken_is_refused() -> None:
    kind = type("Second", (type(strategy("momentum")),), {"__module__": __name__})
    with pytest.raises(InvalidValueError, match="'momentum' is Momentum's"):
        register(kind)
