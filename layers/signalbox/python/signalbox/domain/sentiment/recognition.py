"""Which assets a headline speaks of, without false friends.

Headlines are written In Title Case, so a capital says little: "Bitcoin Nears $40K", "One Token to Rule Them All" and
"Losses Loom" name no asset. What counts, from the surest on:

1. a cashtag (`$NEAR`), a code in a pair (`NEAR/USDT`, `NEARUSDT`) or in brackets after its name (`Optimism (OP)`);
2. a name that means nothing else (`chainlink`), the longest first: "Ethereum Classic" is not Ethereum;
3. a code in capitals (`XRP`), unless it is an everyday word too;
4. a code that is a word too (`NEAR`, `ONE`), in capitals, in a list of codes after which no sentence goes on with it
   (`BTC, NEAR and ATOM`, not `BTC NEAR $40K` nor `BTC, ONE OF the best`), or just before a word or figure of the market
   (`SAND price`, `NEAR jumps`, `LINK up 7%`), in a title that is not all capitals;
5. an abbreviation that stands for other things too (`ADA`), likewise, or where it begins a clause of a title that names
   another asset (`Bitcoin Trends Lower, ADA Inches Higher`);
6. a name that is a word too, with a capital, by `Asset.proper` and `Asset.everyday`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from signalbox.domain.sentiment.assets import ASSETS, Asset

_SEPARATOR = re.compile(r"\s*(?:[,/&]|,?\s*\b(?:and|or|vs)\b)\s*")
"""What stands between the codes of a list."""
_QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH", "BUSD", "PERP")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*|\d[\d.,]*%?[KMBkmb]?")
_CASHTAG = re.compile(r"(?<![\w$])\$([A-Za-z][A-Za-z0-9]{1,9})\b")
_PAIR = re.compile(rf"\b([A-Z][A-Z0-9]{{1,9}})(?:[/-]?)({'|'.join(_QUOTES)})\b")
_NAMED = re.compile(r"(\w+) \(([A-Z][A-Z0-9]{1,9})\)")
_CONNECTORS = ("and", "or", "vs")
_SHOUTED = 0.7
"""Share of words in capitals from which capitals say nothing."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KINDS = _set(
    "protocol network token tokens blockchain foundation finance mainnet testnet ecosystem dao coin holders validators"
    " developers labs"
)
"""Words after which an everyday name is meant as an asset: `Flow blockchain`."""

_MOVES = _set(
    "rallies rallied surges surged soars soared jumps jumped gains gained rises rose climbs climbed spikes pumps drops"
    " dropped falls fell slides slid plunges plunged crashes crashed tumbles tumbled dips sinks hits breaks up down"
    " reclaims outperforms doubles triples accelerates"
)
"""Words before which a code that is a word too is meant as an asset, whatever the word: `NEAR jumps`."""

_MARKET_WORDS = _MOVES | _set(
    "price prices token tokens coin coins rally surge soar jump gain rise drop fall slide plunge crash holders holder"
    " staking whales stakers bulls bears futures traders investors listing listed burn burns unlock unlocks airdrop"
    " mainnet network protocol blockchain outperform accelerate"
)
"""And those before which most are: `SAND price`."""

_BEFORE_NOUNS = _set("ONE NEAR GAS CORE BETA")
"""Codes that as words stand before any noun: `ONE price to pay`."""

_GOING_ON = _set(
    "of the a an to in on at by for from with as is are was be it its his her their this that these those than then"
    " more most other others another all each such only not no"
)
"""Words after which a code in a list was meant as a word: `BTC, ONE OF the best`."""


def assets_in(text: str) -> tuple[str, ...]:
    """Return the codes of the assets that a headline speaks of, each once, sorted."""
    found = set(_marked(text))
    rest = _CASHTAG.sub(" ", text)
    named, rest = _named(rest)
    tokens = _tokens(rest)
    found |= named | set(_coded(tokens)) | set(_worded(tokens))
    return tuple(sorted(found | set(_clauses(tokens)) if found else found))


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or figure. `joined` tells whether a hyphen ties it to the next or the previous one, `before` is what
    stands between that and it."""

    text: str
    joined: bool
    before: str


def _tokens(text: str) -> list[_Token]:
    found = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match[0] in _CONNECTORS:
            continue
        before, after = text[max(match.start() - 1, 0) : match.start()], text[match.end() : match.end() + 1]
        found.append(_Token(match[0], "-" in (before, after), text[end : match.start()]))
        end = match.end()
    return found


def _marked(text: str) -> Iterator[str]:
    for match in _CASHTAG.finditer(text):
        if match[1].upper() in _BY_CODE:
            yield match[1].upper()
    for match in _PAIR.finditer(text):
        if match[1] in _BY_CODE:
            yield match[1]
    for match in _NAMED.finditer(text):
        if match[1].casefold() in _NAME_WORDS.get(match[2], ()):
            yield match[2]


def _named(text: str) -> tuple[set[str], str]:
    """Return the assets named without doubt, and the text without those names: a name's words name nothing else."""
    found: set[str] = set()

    def take(match: re.Match[str]) -> str:
        code = _BY_NAME[" ".join(match[0].casefold().split())]
        if code:
            found.add(code)
        return " , "

    return found, _NAMES.sub(take, text)


def _coded(tokens: list[_Token]) -> Iterator[str]:
    """Yield the codes in capitals that count."""
    shouted = _is_shouted(tokens)
    for number, token in enumerate(tokens):
        asset = _BY_CODE.get(token.text)
        if asset is None:
            continue
        market = not shouted and not token.joined and _of_market(tokens, number)
        if not asset.is_ambiguous or market or _is_listed(tokens, number, shouted=shouted):
            yield asset.code


def _is_listed(tokens: list[_Token], number: int, *, shouted: bool) -> bool:
    """Return whether a code stands in a list of codes, and no sentence goes on with it as a word.

    After a list of three the sentence is that of the list: `BTC, ETH and NEAR lead`. In a title of capitals the list
    must hold a code that is no word.
    """
    codes = _list_around(tokens, number) - {tokens[number].text}
    if not codes or (shouted and all(_BY_CODE[code].is_ambiguous for code in codes)):
        return False
    if number + 1 == len(tokens) or tokens[number + 1].before.strip(" $"):
        return True
    following = tokens[number + 1].text
    if following.casefold() in _GOING_ON:
        return False
    return len(codes) > 1 or (following[0].isupper() and not shouted)


def _list_around(tokens: list[_Token], number: int) -> set[str]:
    """Return the codes of the list that a code stands in, itself among them."""

    def tied(at: int) -> bool:
        pair = tokens[at - 1], tokens[at]
        return all(token.text in _BY_CODE for token in pair) and bool(_SEPARATOR.fullmatch(tokens[at].before))

    first = last = number
    while first > 0 and tied(first):
        first -= 1
    while last + 1 < len(tokens) and tied(last + 1):
        last += 1
    return {token.text for token in tokens[first : last + 1]}


def _of_market(tokens: list[_Token], number: int) -> bool:
    if number + 1 == len(tokens):
        return False
    words = _MOVES if tokens[number].text in _BEFORE_NOUNS else _MARKET_WORDS
    following = tokens[number + 1].text
    return following.casefold() in words or following.endswith("%")


def _clauses(tokens: list[_Token]) -> Iterator[str]:
    """Yield the abbreviations that begin a clause."""
    for token in tokens:
        if token.text in _BY_CODE and _BY_CODE[token.text].is_abbreviation and token.before.strip() == ",":
            yield token.text


def _worded(tokens: list[_Token]) -> Iterator[str]:
    """Yield the assets whose names are words too, where they are meant as names."""
    for number, token in enumerate(tokens):
        following = tokens[number + 1].text.casefold() if number + 1 < len(tokens) else ""
        for asset in _BY_PROPER.get(token.text, ()):
            if following not in asset.unless:
                yield asset.code
        for asset in _BY_EVERYDAY.get(token.text, ()):
            if following in _KINDS and not token.joined:
                yield asset.code


def _is_shouted(tokens: list[_Token]) -> bool:
    words = [token.text for token in tokens if token.text.isalpha() and len(token.text) > 1]
    capitals = sum(word.isupper() and word not in _BY_CODE for word in words)
    plain = sum(word not in _BY_CODE for word in words)
    return plain >= 2 and capitals >= _SHOUTED * plain


def _by(field: str) -> dict[str, tuple[Asset, ...]]:
    found: dict[str, tuple[Asset, ...]] = {}
    for asset in ASSETS:
        for name in getattr(asset, field):
            found[name] = (*found.get(name, ()), asset)
    return found


_BY_CODE = {asset.code: asset for asset in ASSETS}
_NAME_WORDS = {
    asset.code: {word.casefold() for name in (*asset.names, *asset.proper, *asset.everyday) for word in name.split()}
    for asset in ASSETS
}
_BY_PROPER = _by("proper")
_BY_EVERYDAY = _by("everyday")
_NOT_ASSETS = ("baby doge", "doge nasdaq", "shiba inu dog", "bitcoin dogs", "regulatory sandbox", "market maker")
"""Longer names that hold an asset's name and are something else."""
_BY_NAME: dict[str, str] = {
    **dict.fromkeys(_NOT_ASSETS, ""),
    **{name: asset.code for asset in ASSETS for name in asset.names},
}
_NAMES = re.compile(
    r"(?<![\w$])(?:" + "|".join(re.escape(n).replace(r"\ ", r"\s+") for n in sorted(_BY_NAME, key=len, reverse=True))
    + r")(?!\w)",
    re.IGNORECASE,
)  # fmt: skip
