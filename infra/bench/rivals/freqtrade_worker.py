"""freqtrade's side of the benchmark, run by the Python that has freqtrade: `python freqtrade_worker.py CANDLES.npz`.

Each line on standard input is one turn: `analyze_ticker` for every symbol, as freqtrade's bot calls it for each pair
when a candle has closed. The answer is one line with the processor seconds of the turn.
"""

import sys
from time import thread_time

import numpy as np
import pandas as pd
import talib.abstract as ta
from freqtrade.strategy import IStrategy
from technical.indicators import supertrend
from technical.vendor.qtpylib import indicators as qtpylib


class ElevenIndicators(IStrategy):
    """The usual strategy of its documentation, with the eleven indicators and one plain rule."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    minimal_roi = {"0": 1.0}
    stoploss = -0.5

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe["ema"] = ta.EMA(dataframe, timeperiod=20)
        dataframe["rsi"] = ta.RSI(dataframe, timeperiod=14)
        macd = ta.MACD(dataframe, fastperiod=12, slowperiod=26, signalperiod=9)
        for name in ("macd", "macdsignal", "macdhist"):
            dataframe[name] = macd[name]
        dataframe["atr"] = ta.ATR(dataframe, timeperiod=14)
        bands = qtpylib.bollinger_bands(dataframe["close"], window=20, stds=2)
        dataframe["bb_upper"], dataframe["bb_middle"], dataframe["bb_lower"] = (
            bands["upper"],
            bands["mid"],
            bands["lower"],
        )
        dataframe["adx"] = ta.ADX(dataframe, timeperiod=14)
        dataframe["plus_di"] = ta.PLUS_DI(dataframe, timeperiod=14)
        dataframe["minus_di"] = ta.MINUS_DI(dataframe, timeperiod=14)
        dataframe["vwap"] = qtpylib.rolling_vwap(dataframe, window=24)
        dataframe["obv"] = ta.OBV(dataframe)
        dataframe["donchian_upper"] = dataframe["high"].rolling(20).max()
        dataframe["donchian_lower"] = dataframe["low"].rolling(20).min()
        dataframe["supertrend"], dataframe["supertrend_direction"] = supertrend(dataframe, period=10, multiplier=3)
        dataframe["volatility"] = np.log(dataframe["close"]).diff().rolling(20).std()
        return dataframe

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe.loc[(dataframe["rsi"] < 30) & (dataframe["volume"] > 0), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe.loc[(dataframe["rsi"] > 70) & (dataframe["volume"] > 0), "exit_long"] = 1
        return dataframe


def main(candles: str) -> None:
    """Answer turns until standard input ends."""
    frames = _frames(candles)
    strategy = ElevenIndicators({"stake_currency": "USDT", "runmode": "other"})
    for _ in sys.stdin:
        copies = {pair: frame.copy() for pair, frame in frames.items()}
        began = thread_time()
        for pair, frame in copies.items():
            strategy.analyze_ticker(frame, {"pair": pair})
        sys.stdout.write(f"{thread_time() - began!r}\n")
        sys.stdout.flush()


def _frames(candles: str) -> dict[str, pd.DataFrame]:
    with np.load(candles) as columns:
        dates = pd.to_datetime(columns["times"], unit="ms", utc=True)
        names = ("open", "high", "low", "close", "volume")
        return {
            f"S{at}/USDT": pd.DataFrame({"date": dates} | {name: columns[name][:, at].copy() for name in names})
            for at in range(columns["close"].shape[1])
        }


if __name__ == "__main__":
    main(sys.argv[1])
