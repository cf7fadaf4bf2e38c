from signalbox.domain.history.words import LONGEST_WORD, words_in, words_of
from tests.builders import make_signal


def test_a_signal_is_found_by_symbol_base_currency_strategy_reasons_and_notes():
    signal = make_signal(reasons={"adx": 31.0, "plus_di": 20.0}, notes=("Filled late, after a gap",))

    assert words_of(signal) == {
        "btc/usdt", "btc", "trend_following", "trend", "following", "adx", "plus_di",
        "filled", "late", "after", "a", "gap",
    }  # fmt: skip


def test_words_are_cut_at_what_is_neither_letter_nor_digit():
    assert words_in("Über-gut! (1.5 %), x_y; ---") == ["über-gut", "1.5", "x_y"]


def test_a_word_that_is_too_long_is_cut_the_same_way_wherever_it_stands():
    assert words_in("x" * 500) == ["x" * LONGEST_WORD]
