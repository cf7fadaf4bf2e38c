"""Real candles: the home exchange serves the file as it is, the others near it, none of them what is not over."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ccxt
import numpy as np
import pytest

from infra.local.exchange.candles import DAY, HOUR
from infra.local.exchange.market import EXCHANGES
from infra.local.exchange.server import LocalExchange
from infra.local.exchange.sources import open_market
from signalbox.domain.errors import InvalidValueError

START = 1_704_067_200_000  # 2024-01-01 UTC
HEADER = "date,open,high,low,close,volume,symbol"
REAL_FILE = "candles-1h-2024H1-74-symbols.parquet"


def write_csv(path, symbols=("BTC_USDT", "SHIB_USDT"), hours=60, header=HEADER, skip=()):
    """Write a random walk of hourly candles with at most 8 decimals."""
    random = np.random.default_rng(3)
    lines = [header]
    for symbol in symbols:
        scale, decimals = (40_000.0, 2) if symbol.startswith("BTC") else (0.00002, 8)
        closes = scale * np.exp(np.cumsum(random.normal(0, 0.01, hours)))
        for hour in range(hours):
            if hour in skip:
                continue
            opened, closed = closes[hour - 1] if hour else scale, closes[hour]
            high, low = 1.01 * max(opened, closed), 0.99 * min(opened, closed)
            prices = ",".join(f"{value:.{decimals}f}" for value in (opened, high, low, closed))
            date = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
            lines.append(f"{date:%Y-%m-%dT%H:%M:%SZ},{prices},{random.uniform(1, 1e6):.3f},{symbol}")
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def rows_of(path, symbol):
    """Read the file again, with nothing of the code under test."""
    for line in path.read_text().splitlines()[1:]:
        date, *values, name = line.split(",")
        if name == symbol:
            moment = int(datetime.fromisoformat(date).timestamp() * 1000)
            yield [moment, *map(float, values)]


@pytest.fixture
def csv_file(tmp_path):
    return write_csv(tmp_path / "candles.csv")


def test_the_home_exchange_serves_the_file_to_the_last_digit(csv_file, make_client):
    with LocalExchange(str(csv_file), now=START + 60 * HOUR) as local:
        client = make_client("binance", local.url)
        for symbol in ("BTC/USDT", "SHIB/USDT"):
            served = client.fetch_ohlcv(symbol, "1h", since=START, limit=1_000)
            assert served == list(rows_of(csv_file, symbol.replace("/", "_")))
        raw = client.session.get(f"{local.url}/binance/api/v3/klines?symbol=SHIBUSDT&interval=1h&limit=2").json()
        assert raw[-1][4] == csv_file.read_text().splitlines()[-1].split(",")[4]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_longer_timeframes_are_aggregated_and_shorter_ones_refused(csv_file, make_client, exchange):
    with LocalExchange(str(csv_file), now=START + 60 * HOUR) as local:
        client = make_client(exchange, local.url)
        hours = np.array(client.fetch_ohlcv("BTC/USDT", "1h", since=START + DAY, limit=24))
        day = client.fetch_ohlcv("BTC/USDT", "1d", since=START + DAY, limit=1)[0]
        assert day[:5] == [START + DAY, hours[0, 1], hours[:, 2].max(), hours[:, 3].min(), hours[-1, 4]]
        assert day[5] == pytest.approx(hours[:, 5].sum(), rel=1e-9)
        with pytest.raises(ccxt.BadRequest):
            client.fetch_ohlcv("BTC/USDT", "5m")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_open_candle_shows_the_open_alone(csv_file, make_client, exchange):
    with LocalExchange(str(csv_file), now=START + 30 * HOUR + 1_800_000) as local:
        client = make_client(exchange, local.url)
        *_, time, opened, high, low, close, volume = client.fetch_ohlcv("BTC/USDT", "1h", limit=1)[0]
        assert (time, high, low, close, volume) == (START + 30 * HOUR, opened, opened, opened, 0)
        assert client.fetch_ticker("BTC/USDT")["last"] == opened
        assert len(client.fetch_ohlcv("BTC/USDT", "1h", since=START, limit=100)) == 31


def test_other_exchanges_stand_near_the_file_the_same_way_for_the_same_seed(csv_file):
    home = open_market(str(csv_file), 7).candles(
        "binance", "BTC/USDT", HOUR, (START, START + 59 * HOUR), START + DAY * 9
    )
    for exchange in EXCHANGES[1:]:
        markets = [open_market(str(csv_file), seed) for seed in (7, 7, 8)]
        one, same, other = (
            market.candles(exchange, "BTC/USDT", HOUR, (START, START + 59 * HOUR), START + 9 * DAY).values
            for market in markets
        )
        assert (one == same).all()
        assert (one != other).any()
        bps = 1e4 * np.abs(one[:, :4] / home.values[:, :4] - 1)
        assert 0.3 < bps.mean() < 10
        assert (one[:, 1] >= one[:, [0, 3]].max(axis=1)).all()
        assert (one[:, 2] <= one[:, [0, 3]].min(axis=1)).all()


def test_holes_in_the_file_stay_holes(tmp_path):
    market = open_market(str(write_csv(tmp_path / "holes.csv.gz", skip=(10, 11, 12))), 7)
    candles = market.candles("bybit", "BTC/USDT", HOUR, (START, START + 20 * HOUR), START + 60 * HOUR)
    assert len(candles) == 18
    assert market.candles("binance", "BTC/USDT", 4 * HOUR, (START, START + DAY), START + 60 * HOUR).values.shape == (
        7,
        5,
    )


def test_a_symbol_that_ends_early_is_shown_as_inactive_only_afterwards(tmp_path):
    write_csv(tmp_path / "a.csv", symbols=("BTC_USDT",), hours=100)
    write_csv(tmp_path / "b.csv", symbols=("SHIB_USDT",), hours=20)
    market = open_market(str(tmp_path), 7)
    assert market.listings("binance", START + 19 * HOUR)["SHIB/USDT"].active
    assert not market.listings("binance", START + 20 * HOUR)["SHIB/USDT"].active


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing.csv", None, "does not exist"),
        ("column.csv", "date,open,high,low,close,symbol\n2024-01-01T00:00:00Z,1,1,1,1,BTC_USDT\n", "missing volume"),
        ("empty.csv", HEADER + "\n", "is empty"),
        ("broken.parquet", "not parquet", "must be readable"),
        ("candles.txt", "text", "must end in"),
        ("negative.csv", HEADER + "\n2024-01-01T00:00:00Z,1,1,-1,1,5,BTC_USDT\n", "must be positive"),
        ("twice.csv", HEADER + "\n2024-01-01T00:00:00Z,1,1,1,1,5,BTC_USDT" * 2 + "\n", "has a date twice"),
        ("words.csv", HEADER + "\n2024-01-01T00:00:00Z,one,1,1,1,5,BTC_USDT\n", "numbers"),
        ("single.csv", HEADER + "\n2024-01-01T00:00:00Z,1,1,1,1,5,BTC_USDT\n", "one timeframe"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidValueError, match=message):
        open_market(str(tmp_path / name), 7)


def test_a_folder_of_two_timeframes_or_none_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="holds none"):
        open_market(str(tmp_path), 7)
    write_csv(tmp_path / "hours.csv", symbols=("BTC_USDT",))
    days = "".join(f"2024-01-0{day}T00:00:00Z,1,1,1,1,5,ETH_USDT\n" for day in (1, 2, 3))
    (tmp_path / "days.csv").write_text(f"{HEADER}\n{days}")
    with pytest.raises(InvalidValueError, match="all be of one timeframe"):
        open_market(str(tmp_path), 7)


@pytest.mark.data
def test_every_real_candle_is_served_as_it_was_recorded(make_client):
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        pytest.skip("SIGNALBOX_DATA names no folder of real candles")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(Path(folder) / REAL_FILE).to_pydict()
    rows = {}
    columns = (table[name] for name in ("date", "symbol", "open", "high", "low", "close", "volume"))
    for date, symbol, *values in zip(*columns, strict=True):
        rows.setdefault(symbol.replace("_", "/"), []).append([int(date.timestamp() * 1000), *values])
    with LocalExchange(str(Path(folder) / REAL_FILE), now=START + 200 * DAY) as local:
        client = make_client("binance", local.url)
        assert set(client.load_markets()) == set(rows)
        for symbol in ("BTC/USDT", "PEPE/USDT", "BONK/USDT", "SHIB/USDT"):
            served = []
            while len(served) < len(rows[symbol]):
                since = served[-1][0] + 1 if served else START
                served += client.fetch_ohlcv(symbol, "1h", since=since, limit=1_000)
            assert served == rows[symbol]
        market = local.application.market
        for symbol, expected in rows.items():
            candles = market.candles("binance", symbol, HOUR, (START, START + 190 * DAY), START + 200 * DAY)
            assert candles.times.tolist() == [row[0] for row in expected]
            assert candles.values.tolist() == [row[1:] for row in expected]
