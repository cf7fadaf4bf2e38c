"""Which strategies there are: every module of this package that registers one. There is no list to keep."""

import pkgutil
import re
from functools import cache
from importlib import import_module

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.strategies.base import Strategy

_NAME = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
_DECLARED = ("version", "inputs")
_found: dict[str, Strategy] = {}


def register(kind: type[Strategy]) -> type[Strategy]:
    """Make a strategy known by its name; a class decorator.

    Raises
    ------
    InvalidValueError
        If the name is missing, malformed or taken, or the class leaves out a declaration.
    """
    name = getattr(kind, "name", "")
    if not _NAME.fullmatch(name):
        raise InvalidValueError(f"name of {kind.__name__} must match {_NAME.pattern}, was {name!r}")
    missing = [attribute for attribute in _DECLARED if not hasattr(kind, attribute)]
    if missing:
        raise InvalidValueError(f"{kind.__name__} must declare {', '.join(missing)}")
    known = _found.get(name)
    if known is not None and type(known).__module__ != kind.__module__:
        raise InvalidValueError(f"name of {kind.__name__} must be its own, {name!r} is {type(known).__name__}'s")
    _found[name] = kind()
    return kind


@cache
def _load() -> None:
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        if not module.name.startswith("_"):
            import_module(f"{package}.{module.name}")


def strategies() -> tuple[Strategy, ...]:
    """Return every registered strategy, by name."""
    _load()
    return tuple(_found[name] for name in sorted(_found))


def strategy(name: str) -> Strategy:
    """Return the strategy called `name`; raise InvalidValueError naming the known ones."""
    _load()
    try:
        return _found[name]
    except KeyError as e:
        raise InvalidValueError(f"strategy must be one of {', '.join(sorted(_found))}, was {name!r}") from e
