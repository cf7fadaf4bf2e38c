"""ccxt's synchronous client, set up the way Signalbox talks to exchanges."""

import threading
from typing import Any
from urllib.parse import urlsplit

from signalbox.adapters.exchanges.ccxt_import import ccxt_errors, exchange_class
from signalbox.adapters.exchanges.errors import Reply
from signalbox.domain.errors import InvalidValueError


class LastReply(threading.local):
    """What the exchange answered last to this thread; None while no request of it was answered."""

    reply: Reply | None = None


def open_client(
    exchange_id: str, *, endpoint: str = "", rate_limit_ms: int | None = None, timeout_ms: int = 10_000
) -> Any:
    """Return ccxt's client of one exchange, limited to spot markets, without having called the exchange.

    Parameters
    ----------
    exchange_id : str
        ccxt's id.
    endpoint : str
        `http://host:port` of a local exchange, which serves every exchange below `/<exchange id>`; empty for the
        exchange's own addresses.
    rate_limit_ms : int or None
        Milliseconds between calls of cost 1, in place of ccxt's own figure; calls that cost more wait longer.
    timeout_ms : int
        Milliseconds to wait for a connection, and for each part of an answer.

    Raises
    ------
    InvalidValueError
        If ccxt has no such exchange, or `endpoint` is no http address.
    """
    config: dict[str, Any] = {
        "timeout": timeout_ms,
        "enableRateLimit": True,
        # Currencies cost a call of their own, and say nothing about prices.
        "has": {"fetchCurrencies": False},
        "options": {"defaultType": "spot"},
        # Proxies and certificates that an operator set for the way out are right for real exchanges, and would only
        # slow or divert the way to a local one.
        "requests_trust_env": not endpoint,
    }
    if rate_limit_ms is not None:
        config["rateLimit"] = rate_limit_ms
    client = exchange_class(exchange_id)(config)
    market_options = client.options.get("fetchMarkets")
    if isinstance(market_options, dict) and "types" in market_options:
        market_options["types"] = ["spot"]
    if endpoint:
        client.urls["api"] = _redirected(client.urls["api"], _base(endpoint, exchange_id))
    return client


def watch_replies(client: Any) -> LastReply:
    """Make `client` remember each reply, and refuse those that are not JSON, which ccxt would read as "no data".

    Parameters
    ----------
    client : ccxt.Exchange
        A client whose `fetch` and `on_rest_response` are replaced.

    Returns
    -------
    LastReply
        Per thread, the reply to the newest request.
    """
    last = LastReply()
    fetch, on_rest_response = client.fetch, client.on_rest_response

    def remember(*answer: Any) -> Any:
        status, _, _, _, headers, text, *_ = answer
        last.reply = Reply(status, headers, text)
        return on_rest_response(*answer)

    def fetch_json(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        last.reply = None
        found = fetch(url, method, headers, body)
        if not isinstance(found, (dict, list)):
            raise ccxt_errors().BadResponse(
                f"{method} {url} must answer a JSON object or array, was {str(found)[:80]!r}"
            )
        return found

    client.on_rest_response, client.fetch = remember, fetch_json
    return last


def _base(endpoint: str, exchange_id: str) -> str:
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.netloc:
        raise InvalidValueError(
            f"exchange endpoint must be an http address such as http://127.0.0.1:9000, was {endpoint!r}"
        )
    return f"{endpoint.rstrip('/')}/{exchange_id}"


def _redirected(addresses: Any, base: str) -> Any:
    """Return ccxt's addresses, however nested, with `base` in place of scheme and host."""
    if isinstance(addresses, dict):
        return {name: _redirected(address, base) for name, address in addresses.items()}
    return base + urlsplit(addresses).path if isinstance(addresses, str) else addresses
