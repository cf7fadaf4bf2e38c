"""Headlines for a simulated market: templates filled with what its prices really did, the same for the same seed.

Each hour has its stories, made of nothing but the hour's number, the seed, and the market up to the hour's beginning.
`wire` tells them first; `daily` repeats some in almost the same words, as newsrooms do, and adds stories of its own.
"""

import random
from collections.abc import Sequence
from functools import lru_cache

from infra.local.exchange.candles import CLOSE, DAY, HOUR, MINUTE
from infra.local.exchange.coins import LASTING, Coin
from infra.local.exchange.market import HOME_EXCHANGE, Market
from infra.local.news.stories import IndexValue, Story

WIRE, DAILY = "wire", "daily"
_RISES = (
    "{name} rallies {change}% as buyers return", "{code} jumps {change}% to ${price}",
    "{name} climbs {change}% and bulls defend support", "Short squeeze lifts {name} by {change}%",
)  # fmt: skip
_FALLS = (
    "{name} slides {change}% as sellers take over", "{code} drops {change}% to ${price}",
    "{name} tumbles {change}%, long positions liquidated", "{name} slumps {change}% amid profit-taking",
)  # fmt: skip
_CALM = (
    "{name} trades sideways near ${price}", "{name} little changed as traders wait",
    "What {code} holders should know this week", "{name} developers publish notes of weekly call",
)  # fmt: skip
_NAMES = {
    "BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana", "XRP": "Ripple", "DOGE": "Dogecoin", "ADA": "Cardano",
    "AVAX": "Avalanche", "LINK": "Chainlink", "LTC": "Litecoin", "DOT": "Polkadot", "NEAR": "Near Protocol",
    "UNI": "Uniswap", "ETC": "Ethereum Classic", "FIL": "Filecoin", "ARB": "Arbitrum", "ALGO": "Algorand",
}  # fmt: skip
_COINS = tuple(coin for coin in LASTING if coin.base in _NAMES)
_MARKED = 0.015
"""Daily change from which it is news."""

_LONGEST_LOOK = 400
"""Hours to look back for stories: more than any reader asks for."""


class SimulatedArchive:
    """Implements `stories.Archive` over a simulated market.

    Parameters
    ----------
    market : Market
        The market whose prices are told.
    seed : int
        The market's seed.
    """

    def __init__(self, market: Market, seed: int) -> None:
        self.sources: tuple[str, ...] = (DAILY, WIRE)
        self._market = market
        self._seed = seed
        self._of_hour = lru_cache(maxsize=2000)(self._tell_hour)

    def stories(self, source: str, now: int, count: int) -> Sequence[Story]:
        """Return the newest `count` stories of a feed published at or before `now` (epoch ms), newest first."""
        found: list[Story] = []
        for hour in range(now // HOUR, now // HOUR - _LONGEST_LOOK, -1):
            told = [story for teller, story in self._of_hour(hour) if teller == source and story.time <= now]
            found += sorted(told, key=lambda story: (-story.time, story.url))
            if len(found) >= count:
                break
        return found[:count]

    def index(self, now: int, count: int) -> Sequence[IndexValue]:
        """Return the index of the newest `count` days that have begun at `now`, newest first."""
        return [self._index_of(day) for day in range(now // DAY, now // DAY - count, -1)]

    def _tell_hour(self, hour: int) -> list[tuple[str, Story]]:
        chance = random.Random(f"{self._seed}-{hour}")
        told: list[tuple[str, Story]] = []
        for number in range(chance.choice((1, 1, 2, 2, 3))):
            coin = chance.choices(_COINS, [each.turnover for each in _COINS])[0]
            title = self._title(coin, hour, chance)
            time = hour * HOUR + chance.randrange(50) * MINUTE
            teller = chance.choice((WIRE, WIRE, DAILY))
            told.append((teller, _story(time, title, f"{hour}-{number}")))
            if teller == WIRE and chance.random() < 0.4:
                told.append((DAILY, _story(time + 7 * MINUTE, f"{title}: report", f"{hour}-{number}-again")))
        return told

    def _title(self, coin: Coin, hour: int, chance: random.Random) -> str:
        summary = self._market.summary(HOME_EXCHANGE, coin.symbol, hour * HOUR)
        change = summary.last / summary.open - 1 if summary else 0.0
        templates = _RISES if change > _MARKED else _FALLS if change < -_MARKED else _CALM
        price = f"{summary.last:,.{coin.price_decimals}f}" if summary else "its last price"
        template = chance.choice(templates)
        return template.format(name=_NAMES[coin.base], code=coin.base, change=f"{abs(change) * 100:.1f}", price=price)

    def _index_of(self, day: int) -> IndexValue:
        """Return an index that follows the month's change of the largest coin, with a little noise."""
        now = day * DAY
        span = (now - 30 * DAY, now - DAY)
        closes = self._market.candles(HOME_EXCHANGE, LASTING[0].symbol, DAY, span, now).values[:, CLOSE]
        change = float(closes[-1] / closes[0] - 1) if len(closes) > 1 else 0.0
        noise = random.Random(f"{self._seed}-index-{day}").uniform(-6, 6)
        return IndexValue(now, round(min(98.0, max(3.0, 50 + 160 * change + noise))))


def _story(time: int, title: str, name: str) -> Story:
    return Story(time, title, f"https://news.example/{name}")
