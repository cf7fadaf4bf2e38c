"""Import one of ccxt's exchanges without the other hundred.

`import ccxt` executes every exchange module before it returns, and `from ccxt.binance import binance` runs that same
package first. So a stand-in for the package, which knows only where the modules lie, is put into `sys.modules` before
any of them is imported; what an exchange module or a reader of `ccxt` asks of the package by name is found when asked.
Where the real package was imported already, it is used as it is.
"""

import importlib
import importlib.util
import re
import sys
from threading import Lock
from types import ModuleType
from typing import Any

from signalbox.domain.errors import InvalidValueError

_EXCHANGE_ID = re.compile(r"[a-z][a-z0-9]*")
_lock = Lock()


def exchange_class(exchange_id: str) -> Any:
    """Return ccxt's class of one exchange, importing no other.

    Parameters
    ----------
    exchange_id : str
        ccxt's id, such as `"binance"`.

    Raises
    ------
    InvalidValueError
        If ccxt, as it is installed here, has no such exchange.
    """
    _ensure_package()
    unknown = f"exchange must be an id that the installed ccxt knows, such as 'binance', was {exchange_id!r}"
    if not _EXCHANGE_ID.fullmatch(exchange_id):
        raise InvalidValueError(unknown)
    try:
        module = importlib.import_module(f"ccxt.{exchange_id}")
    except ModuleNotFoundError as e:
        if e.name != f"ccxt.{exchange_id}":
            raise
        raise InvalidValueError(unknown) from e
    found = getattr(module, exchange_id, None)
    if not isinstance(found, type):
        raise InvalidValueError(unknown)
    # The import system bound the module to the package's attribute; ccxt's own package binds the class.
    setattr(sys.modules["ccxt"], exchange_id, found)
    return found


def ccxt_errors() -> Any:
    """Return the module that holds ccxt's error classes."""
    _ensure_package()
    return importlib.import_module("ccxt.base.errors")


def _ensure_package() -> None:
    with _lock:
        if "ccxt" not in sys.modules:
            sys.modules["ccxt"] = _stand_in()


def _stand_in() -> ModuleType:
    spec = importlib.util.find_spec("ccxt")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("ccxt must be installed to talk to an exchange, was not found", name="ccxt")
    package = ModuleType("ccxt", "ccxt's package without its exchanges.")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    package.__file__ = spec.origin
    package.__getattr__ = _attribute  # type: ignore[method-assign]
    return package


def _attribute(name: str) -> Any:
    """Find what the real package would offer as `ccxt.<name>`: an error, the base class, an exchange."""
    if name == "Exchange":
        return importlib.import_module("ccxt.base.exchange").Exchange
    errors = ccxt_errors()
    if name in vars(errors):
        return vars(errors)[name]
    try:
        return exchange_class(name)
    except InvalidValueError as e:
        raise AttributeError(f"module 'ccxt' has no attribute {name!r}") from e
