"""The names of the strategies, for those who only ask for names: no strategy is loaded, and so no numpy."""

import pkgutil
from functools import cache
from pathlib import Path

_MACHINERY = frozenset({"base", "names", "registry", "view"})


@cache
def strategy_names() -> tuple[str, ...]:
    """Return the name of every registered strategy, sorted: each is called as its module is."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return tuple(sorted(name for name in modules if not name.startswith("_") and name not in _MACHINERY))
