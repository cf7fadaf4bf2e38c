"""The slim import, in processes that have imported nothing yet."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[4] / "layers" / "signalbox" / "python"


def run_fresh(code: str) -> dict:
    """Run `code` in a new interpreter and return what it binds to `result`."""
    script = f"import json, sys\n{textwrap.dedent(code)}\nsys.stdout.write(json.dumps(result))"
    done = subprocess.run(  # noqa: S603 the test's own code
        [sys.executable, "-W", "error", "-c", script],
        env={"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_one_exchange_is_imported_without_the_others_and_without_numpy_or_pandas():
    result = run_fresh(
        """
        from signalbox.adapters.exchanges.ccxt_import import exchange_class
        binance = exchange_class("binance")()
        loaded = [name.split(".")[1] for name in sys.modules if name.startswith("ccxt.")]
        result = {
            "id": binance.id,
            "loaded": sorted(set(loaded) - {"base", "abstract"}),
            "heavy": [name for name in ("numpy", "pandas", "aiohttp", "uvloop") if name in sys.modules],
        }
        """
    )

    assert result == {"id": "binance", "loaded": ["binance"], "heavy": []}


def test_the_stand_in_offers_what_the_package_does():
    result = run_fresh(
        """
        from signalbox.adapters.exchanges.ccxt_import import ccxt_errors, exchange_class
        exchange_class("kraken")
        import ccxt
        from ccxt import BadSymbol, Exchange
        from ccxt.base.errors import BadSymbol as Same
        result = {
            "same error": BadSymbol is Same is ccxt_errors().BadSymbol,
            "an exchange's base": issubclass(ccxt.kraken, Exchange),
            "an exchange on demand": ccxt.okx().id,
            "unknown": hasattr(ccxt, "nothing_like_it"),
        }
        """
    )

    assert result == {"same error": True, "an exchange's base": True, "an exchange on demand": "okx", "unknown": False}


def test_the_real_package_is_used_where_it_was_imported_before():
    result = run_fresh(
        """
        import ccxt
        from signalbox.adapters.exchanges.ccxt_import import ccxt_errors, exchange_class
        result = {
            "same class": exchange_class("bybit") is ccxt.bybit,
            "same errors": ccxt_errors().NetworkError is ccxt.NetworkError,
            "untouched": sys.modules["ccxt"] is ccxt and len(ccxt.exchanges) > 90,
        }
        """
    )

    assert result == {"same class": True, "same errors": True, "untouched": True}


@pytest.mark.parametrize("exchange_id", ["nowhere", "", "base", "abstract", "Binance", "../os", "pro.binance", "test"])
def test_an_unknown_exchange_is_refused_by_name(exchange_id):
    result = run_fresh(
        f"""
        from signalbox.adapters.exchanges.ccxt_import import exchange_class
        from signalbox.domain.errors import InvalidValueError
        try:
            exchange_class({exchange_id!r})
        except InvalidValueError as e:
            result = str(e)
        """
    )

    assert result == f"exchange must be an id that the installed ccxt knows, such as 'binance', was {exchange_id!r}"
