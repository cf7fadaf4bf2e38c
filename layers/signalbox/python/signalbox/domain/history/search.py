"""What people type into the search box, read into the same filter that the parameters make.

    query     = { term }                                   terms are separated by spaces, all of them must hold
    term      = word                                       in symbol, strategy, reasons or notes
              | field ":" value { "," value }              any of the values
              | number ( ">" | ">=" | "<" | "<=" | "=" | ":" ) digits
              | number ":" digits ".." digits              from .. to, both included
              | ( "since" | "until" ) ":" moment           since is included, until is not
    field     = "symbol" | "type" | "strategy" | "timeframe" | "status" | "regime" | "origin"
    number    = "quality" | "confidence"

`BTC breakout quality>80 status:stop regime:UP since:2024-01-01`. Letters' case does not matter; a value of a closed set
may be cut short where it stays clear (`stop` for `STOP_HIT`). A moment is a day (its midnight, UTC) or a moment with
its zone. A mistake is answered with its place and the nearest thing that would be right. A strategy that is none today
may have been one, so its signals can be asked for, unless its name is nearly that of one there is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from math import inf, isfinite, nextafter
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import ANY, Between, SignalFilter
from signalbox.domain.history.values import CLOSED_SETS, closed_value, open_value
from signalbox.domain.history.words import words_in
from signalbox.domain.instants import from_iso
from signalbox.domain.strategies.names import strategy_names

LONGEST_SEARCH = 500
MOST_WORDS = 8
"""Words of one search: each is a list that must be read."""

_TERM = re.compile(r"\S+")
_PARTS = re.compile(r"([^\W\d]\w*)(>=|<=|[:=<>])(.*)", re.DOTALL)
_FIELDS: Mapping[str, str] = {
    "symbol": "symbols",
    "type": "signal_types",
    "strategy": "strategies",
    "timeframe": "timeframes",
    "status": "statuses",
    "regime": "regimes",
    "origin": "origins",
}
_NUMBERS = ("quality", "confidence")
_MOMENTS = ("since", "until")
_KNOWN = (*_FIELDS, *_NUMBERS, *_MOMENTS)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks for: signals that fit `where`, created in [since, until); None leaves a side open."""

    where: SignalFilter = ANY
    since: datetime | None = None
    until: datetime | None = None


class SearchError(InvalidValueError):
    """A search that cannot be read.

    Parameters
    ----------
    message : str
        What was expected and found.
    position : int
        Where: the number of the character, from 1.
    suggestion : str, optional
        The nearest thing that would be right.
    """

    def __init__(self, message: str, position: int, suggestion: str | None = None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"at character {position}: {message}{hint}")
        self.position = position
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class _Term:
    """A term as it was typed; positions count from 1."""

    field: str
    operator: str
    value: str
    position: int
    value_position: int


def parse(text: str) -> Search:
    """Return what `text` asks for; raise SearchError naming the place of the first mistake."""
    if len(text) > LONGEST_SEARCH:
        raise SearchError(f"a search has at most {LONGEST_SEARCH} characters, this one has {len(text)}", LONGEST_SEARCH)
    fields: dict[str, Any] = {}
    words: set[str] = set()
    for found in _TERM.finditer(text):
        term = _term(found)
        if term is None:
            words |= _words(found)
            if len(words) > MOST_WORDS:
                raise SearchError(f"a search has at most {MOST_WORDS} words", found.start() + 1)
            continue
        _read(term, fields)
    since, until = fields.pop("since", None), fields.pop("until", None)
    return Search(SignalFilter(**fields, words=frozenset(words)), since, until)


def _term(found: re.Match[str]) -> _Term | None:
    """Return the condition that is typed here, None if it is a word."""
    parts = _PARTS.fullmatch(found[0])
    if parts is None:
        return None
    start = found.start() + 1
    name = parts[1].lower()
    if name not in _KNOWN:
        raise SearchError(f"{parts[1]!r} is no field; there are {', '.join(_KNOWN)}", start, _nearest(name, _KNOWN))
    if not parts[3]:
        raise SearchError(f"{name} needs a value", start + parts.end(2))
    return _Term(name, parts[2], parts[3], start, start + parts.start(3))


def _words(found: re.Match[str]) -> set[str]:
    words = words_in(found[0])
    if not words:
        raise SearchError(f"a word needs a letter or digit, {found[0]!r} has none", found.start() + 1)
    return set(words)


def _read(term: _Term, fields: dict[str, Any]) -> None:
    if term.field in _NUMBERS:
        asked = _numbers(term)
        known = fields.get(term.field, Between())
        low, high = max(known.low, asked.low), min(known.high, asked.high)
        if low > high:
            raise SearchError(f"no {term.field} fits both this and what stands before it", term.position)
        fields[term.field] = Between(low, high)
        return
    name = _FIELDS.get(term.field, term.field)
    if name in fields:
        raise SearchError(f"{term.field} must be given once; several values are separated by commas", term.position)
    if term.operator not in (":", "="):
        raise SearchError(f"{term.field} needs ':', not {term.operator!r}", term.position, f"{term.field}:{term.value}")
    fields[name] = _moment(term) if term.field in _MOMENTS else frozenset(_values(term))


def _values(term: _Term) -> Iterator[str]:
    position = term.value_position
    for text in term.value.split(","):
        meant = _meant_strategy(text.lower()) if term.field == "strategy" else None
        if meant:
            raise SearchError(f"no strategy is called {text[:60]!r}", position, meant)
        try:
            yield closed_value(term.field, text) if term.field in CLOSED_SETS else open_value(term.field, text)
        except InvalidValueError as e:
            raise SearchError(str(e), position, _nearest_value(term.field, text)) from e
        position += len(text) + 1


def _numbers(term: _Term) -> Between:
    if ".." in term.value and term.operator in (":", "="):
        low, _, high = term.value.partition("..")
        first = _number(term, low, term.value_position)
        last = _number(term, high, term.value_position + len(low) + 2)
        if first > last:
            raise SearchError(f"a range goes from the lower to the higher, was {term.value!r}", term.value_position)
        return Between(first, last)
    return _SIDES[term.operator](_number(term, term.value, term.value_position))


_SIDES: Mapping[str, Callable[[float], Between]] = {
    ">": lambda number: Between(low=nextafter(number, inf)),
    ">=": lambda number: Between(low=number),
    "<": lambda number: Between(high=nextafter(number, -inf)),
    "<=": lambda number: Between(high=number),
    "=": lambda number: Between(number, number),
    ":": lambda number: Between(number, number),
}


def _number(term: _Term, text: str, position: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = inf
    if not isfinite(number):
        raise SearchError(f"{term.field} needs a number, was {text!r}", position)
    return number


def _moment(term: _Term) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", term.value):
            return datetime.fromisoformat(term.value).replace(tzinfo=UTC)
        return from_iso(term.value)
    except (ValueError, OverflowError) as e:
        raise SearchError(
            f"{term.field} needs a day or a moment with its zone, was {term.value!r}", term.value_position, "2024-01-31"
        ) from e


def _nearest_value(field: str, text: str) -> str | None:
    """Return the value of a closed set that `text` is nearest to, whole or up to its first `_`."""
    known = {part.upper(): str(value) for value in CLOSED_SETS.get(field, ()) for part in (value, value.split("_")[0])}
    return known.get(_nearest(text.upper(), known) or "")


def _meant_strategy(text: str) -> str | None:
    """Return the strategy that `text` is the beginning of, or nearly is; None if it is one, or near to none."""
    known = strategy_names()
    if not text or text in known:
        return None
    return next((name for name in known if name.startswith(text)), None) or _nearest(text, known)


def _nearest(text: str, known: Any) -> str | None:
    return next(iter(get_close_matches(text, list(known), n=1, cutoff=0.6)), None)
