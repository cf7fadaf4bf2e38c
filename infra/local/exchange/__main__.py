"""`python -m infra.local.exchange`: serves the local exchange until it is told to stop."""

import argparse
import signal
import sys

from infra.local.exchange.application import DEFAULT_LIMIT_SCALE, Application
from infra.local.exchange.clock import MarketClock
from infra.local.exchange.market import Market
from infra.local.exchange.server import ExchangeServer
from infra.local.exchange.sources import open_market
from infra.local.news.desk import open_desk
from signalbox.domain.errors import InvalidValueError


def main() -> int:
    """Serve; return 2 if the market or the clock cannot be used, 1 if the port cannot."""
    arguments = _arguments()
    try:
        market = open_market(arguments.market, arguments.seed)
        clock = MarketClock(_moment(arguments.clock, market))
        news = open_desk(market, arguments.seed, arguments.news)
        server = ExchangeServer(Application(market, clock, arguments.limit_scale, news), arguments.port)
    except InvalidValueError as e:
        print(f"local exchange: {e}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 2
    except OSError as e:
        print(f"local exchange: port {arguments.port} must be free, was not: {e}", file=sys.stderr)  # noqa: T201
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"listening {server.url}", flush=True)  # noqa: T201 - what the starter waits for
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.exchange", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default): a free one")
    parser.add_argument("--market", default="simulated", help="`simulated`, or a file or folder of candles")
    parser.add_argument("--seed", type=int, default=7, help="of the simulated market and the exchanges' differences")
    parser.add_argument(
        "--clock", help="`wall`, or epoch ms; default: wall for the simulated market, the end of a recorded one"
    )
    parser.add_argument("--news", default="", help="folder of real headlines; default: made up for a simulated market")
    parser.add_argument(
        "--limit-scale", type=float, default=DEFAULT_LIMIT_SCALE, help="times the exchanges' real rate limits"
    )
    return parser.parse_args()


def _moment(text: str | None, market: Market) -> int | None:
    if text is None:
        return None if market.source == "simulated" else market.span_ms[1] + market.base_step
    if text == "wall":
        return None
    if not text.isdecimal():
        raise InvalidValueError(f"--clock must be wall or epoch milliseconds, was {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
