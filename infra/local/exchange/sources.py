"""Where a market comes from: it is simulated, or it was recorded."""

from infra.local.exchange.market import Market


def open_market(source: str, seed: int) -> Market:
    """Return the market that `source` names: `simulated`, or a file or folder of candles.

    Raises InvalidValueError if the file or folder cannot be read as candles.
    """
    if source == "simulated":
        from infra.local.exchange.simulated import SimulatedTape

        return Market(SimulatedTape(seed))
    from infra.local.exchange.recorded import RecordedTape

    return Market(RecordedTape.read(source, seed))
