from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import SignalKey, decode
from tests.builders import NOW

keys = st.builds(
    SignalKey,
    symbol=st.from_regex(r"[A-Z0-9]{1,10}/[A-Z]{2,5}(:[A-Z]{2,5}(-[0-9]{6})?)?", fullmatch=True),
    created_at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0)
    ),
    strategy=st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
    timeframe=st.sampled_from(Timeframe),
)


@given(keys)
def test_an_id_decodes_to_the_key_it_was_made_from(key: SignalKey):
    assert decode(key.signal_id) == key


@given(keys)
def test_an_id_is_one_url_safe_word(key: SignalKey):
    assert not set(key.signal_id) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~")


def test_an_id_can_be_read_by_people():
    key = SignalKey("BTC/USDT", NOW, "trend_following", Timeframe.H1)

    assert key.signal_id == "BTC-USDT~20240105T130000Z~trend_following~1h"
    assert key.sort_key == "2024-01-05T13:00:00Z#BTC-USDT~20240105T130000Z~trend_following~1h"


def test_sort_keys_sort_by_time_first():
    early = SignalKey("ZRX/USDT", NOW, "z", Timeframe.D1)
    late = SignalKey("AAVE/USDT", NOW + timedelta(seconds=1), "a", Timeframe.M1)

    assert early.sort_key < late.sort_key


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "BTC-USDT",
        "BTC/USDT~20240105T130000Z~trend~1h",
        "BTC-USDT~20240105T130000Z~trend~1h\n",
        "BTC-USDT~20240105T130000Z~trend~1h~x",
        "BTC-USDT~20241305T130000Z~trend~1h",
        "BTC-USDT~20240105T130000Z~trend~7m",
        "BTC-USDT~20240105T130000Z~Trend~1h",
        "BTC-USDT~２0240105T130000Z~trend~1h",
        "BTC_2F_USDT~20240105T130000Z~trend~1h",
        "BTC_FFFFFF_~20240105T130000Z~trend~1h",
        "_D800_-USDT~20240105T130000Z~trend~1h",
        "A" * 10_000,
    ],
)
def test_what_is_no_id_is_refused(nonsense: str):
    with pytest.raises(InvalidValueError, match="signal_id must"):
        decode(nonsense)
