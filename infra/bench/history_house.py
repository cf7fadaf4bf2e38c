"""A synthetic record of any size, made row by row as it is read: the material of the history's figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count

from infra.bench.dynamo_model import Item
from signalbox.adapters.storage.signal_items import item_of
from signalbox.adapters.storage.signal_keys import confidence_key, created_key, quality_key
from signalbox.domain.history.words import words_of
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import NULL_STRATEGY, Ending, Levels, Origin, Signal, SignalType, Status

END = datetime(2024, 7, 1, tzinfo=UTC)
"""The record ends here; every size is measured on its last whole month."""
SYMBOLS = tuple(f"COIN{number:02d}/USDT" for number in range(20))
STRATEGIES = ("breakout", "mean_reversion", "momentum", "null", "trend_following", "volatility_squeeze")
STATUSES = (Status.TARGET_HIT, Status.STOP_HIT, Status.STOP_HIT, Status.EXPIRED, Status.OPEN)
TIMEFRAMES = (Timeframe.H1, Timeframe.H4)
REGIMES = ("UP/NORMAL", "DOWN/NORMAL", "RANGE/LOW", "UP/HIGH", "DOWN/HIGH", "RANGE/NORMAL")
_MASK = (1 << 64) - 1
FEATURES = tuple(f"feature_{number:02d}" for number in range(14))


class SignalRows:
    """The signals table with `count` signals evenly over `days` before `END`; row n is the n-th oldest."""

    def __init__(self, count: int, days: int) -> None:
        self.count = count
        self.begin = END - timedelta(days=days)
        self._step = timedelta(days=days) / count
        self._partitions: dict[tuple[str | None, str], Sequence[int]] = {}

    def partition(self, index: str | None, value: str) -> Sequence[int]:
        """Return the rows of a partition in the order of their range keys, made once."""
        if (index, value) not in self._partitions:
            self._partitions[index, value] = sorted(self._members(index, value), key=lambda row: self._rank(index, row))
        return self._partitions[index, value]

    def _members(self, index: str | None, value: str) -> Iterable[int]:
        if index is not None and index.startswith("feed-by-"):
            members: Iterable[int] = self._month(value)
        else:
            attribute = _ATTRIBUTES[index]
            members = (row for row in range(self.count) if attribute(row) == value)
        sparse = index is not None and index.endswith("confidence")
        return (row for row in members if not sparse or confidence_of(row) is not None)

    @staticmethod
    def _rank(index: str | None, row: int) -> tuple[bool, float, int]:
        """Return what orders rows as their range keys do, without spelling a key for each."""
        score = 0.0
        if index is not None and index.endswith("quality"):
            score = quality_of(row)
        elif index is not None and index.endswith("confidence"):
            score = confidence_of(row) or 0.0
        return strategy_of(row) == NULL_STRATEGY, score, row

    def range_key(self, index: str | None, row: int) -> str:
        """Return the range key of a row; see `dynamo_model.Rows`."""
        signal = self.signal(row)
        if index is not None and index.endswith("quality"):
            return quality_key(signal)
        if index is not None and index.endswith("confidence"):
            return confidence_key(signal) or ""
        return created_key(signal.key)

    def item(self, row: int) -> Item:
        """Return a row's item."""
        item: Item = item_of(self.signal(row)).serialize()
        return item

    def find(self, key: Item) -> int | None:
        """Return the row with a table key, or None."""
        asked = decode(key["created_key"]["S"].rpartition("#")[2])
        row = round((asked.created_at - self.begin) / self._step)
        near = (each for each in range(row - 1, row + 2) if 0 <= each < self.count)
        return next((each for each in near if self.signal(each).key == asked), None)

    def signal(self, row: int) -> Signal:
        """Return the signal of a row, with everything a real one carries."""
        created_at = self._created_at(row)
        status, price = status_of(row), Decimal(20_000 + _mixed(row, 9) % 9_999) / 100
        ended_at = created_at + timedelta(hours=7)
        return Signal(
            symbol=symbol_of(row),
            exchange="binance",
            timeframe=timeframe_of(row),
            strategy=strategy_of(row),
            strategy_version=1,
            signal_type=type_of(row),
            levels=Levels(entry_price=price, target_price=price + 10, stop_loss=price - 5),
            created_at=created_at,
            published_at=created_at + timedelta(seconds=11),
            expires_at=created_at + timedelta(hours=24),
            quality_score=quality_of(row),
            quality_parts={"confluence": 0.625, "reward_risk": 0.875, "regime_fit": 0.75, "data_health": 1.0},
            confidence=confidence_of(row),
            regime=regime_of(row),
            reasons={"adx": 31.25, "plus_di": 28.125, "close": 245.875},
            summary="The trend is up and strong, and the close is above both averages.",
            features={name: 0.123456 + at for at, name in enumerate(FEATURES)},
            feature_version=1,
            origin=Origin.LIVE,
            code_version="0123456789abcdef",
            status=status,
            may_act=status is Status.OPEN,
            filled_price=price,
            filled_at=created_at + timedelta(hours=1),
            checked_until=ended_at,
            mfe_r=1.25,
            mae_r=-0.75,
            ending=None if status is Status.OPEN else _ending(status, ended_at, price),
            candles_hash="0123456789abcdef",
        )

    def _month(self, partition: str) -> Iterable[int]:
        year, month = map(int, partition.partition("#")[0].split("-"))
        first, last = (datetime(year + at // 12, at % 12 + 1, 1, tzinfo=UTC) for at in (month - 1, month))
        low, high = (int((moment - self.begin) / self._step) for moment in (first, last))
        near = range(max(low - 1, 0), min(high + 2, self.count))
        return (row for row in near if first <= self._created_at(row) < last)

    def _created_at(self, row: int) -> datetime:
        return (self.begin + row * self._step).replace(microsecond=0)


class PostingRows:
    """The postings of a record; a row is a signal's row and a word's number."""

    def __init__(self, signals: SignalRows) -> None:
        self._signals = signals
        self._words: list[str] = []
        self._partitions: dict[str, Sequence[int]] = {}

    def partition(self, index: str | None, value: str) -> Sequence[int]:
        """Return the rows of a word, oldest first."""
        del index  # there is none
        if value not in self._partitions:
            number = len(self._words)
            self._words.append(value)
            found = (row for row in range(self._signals.count) if value in _words_of(symbol_of(row), strategy_of(row)))
            self._partitions[value] = [row * _MOST_WORDS + number for row in found]
        return self._partitions[value]

    def range_key(self, index: str | None, row: int) -> str:
        """Return the range key of a row."""
        return self._signals.range_key(index, row // _MOST_WORDS)

    def item(self, row: int) -> Item:
        """Return a row's item."""
        return {"word": {"S": self._words[row % _MOST_WORDS]}, "created_key": {"S": self.range_key(None, row)}}

    def find(self, key: Item) -> int | None:
        """Return None: postings are never read by their keys."""
        del key
        return None


_MOST_WORDS = 64


@cache
def _words_of(symbol: str, strategy: str) -> frozenset[str]:
    if strategy == NULL_STRATEGY:
        return frozenset()
    row = next(row for row in count() if (symbol_of(row), strategy_of(row)) == (symbol, strategy))
    return words_of(SignalRows(row + 1, 1).signal(row))


def _ending(status: Status, ended_at: datetime, price: Decimal) -> Ending:
    return Ending(
        status=status,
        ended_at=ended_at,
        exit_price=price,
        r=1.875,
        optimistic_r=1.875,
        cost_r=0.125,
        ambiguous=False,
        candles_hash="0123456789abcdef",
        costs=DEFAULT_COSTS,
    )


def _mixed(row: int, salt: int) -> int:
    """Return a number that depends on a row and a salt only, and looks as if it depended on nothing (SplitMix64's)."""
    value = (row * 0x9E3779B97F4A7C15 + salt * 0xD1342543DE82EF95) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value >> 33


def symbol_of(row: int) -> str:
    """Return the symbol of a row; the first has a good quarter of them, as the greatest markets have."""
    number = _mixed(row, 1)
    return SYMBOLS[0] if number % 4 == 0 else SYMBOLS[number // 4 % len(SYMBOLS)]


def strategy_of(row: int) -> str:
    """Return the strategy of a row."""
    return STRATEGIES[_mixed(row, 2) % len(STRATEGIES)]


def type_of(row: int) -> SignalType:
    """Return the type of a row."""
    return (SignalType.BUY, SignalType.SELL)[_mixed(row, 3) % 2]


def status_of(row: int) -> Status:
    """Return the status of a row."""
    return STATUSES[_mixed(row, 4) % len(STATUSES)]


def timeframe_of(row: int) -> Timeframe:
    """Return the timeframe of a row."""
    return TIMEFRAMES[_mixed(row, 5) % len(TIMEFRAMES)]


def regime_of(row: int) -> str:
    """Return the regime of a row."""
    return REGIMES[_mixed(row, 6) % len(REGIMES)]


def quality_of(row: int) -> float:
    """Return the quality of a row, to a tenth, so that there are ties."""
    return (_mixed(row, 7) % 1001) / 10


def confidence_of(row: int) -> float | None:
    """Return the confidence of a row; one in eight has none."""
    return None if _mixed(row, 8) % 8 == 0 else (_mixed(row, 8) % 1000) / 1000


_ATTRIBUTES: Mapping[str | None, Callable[[int], str]] = {
    None: symbol_of,
    "symbol-by-quality": symbol_of,
    "symbol-by-confidence": symbol_of,
    "strategy-by-time": strategy_of,
    "type-by-time": type_of,
    "status-by-time": status_of,
}
