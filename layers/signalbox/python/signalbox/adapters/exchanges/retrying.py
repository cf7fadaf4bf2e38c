"""Calls that are tried again when that can help, and a memory of who asked for silence."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from signalbox.domain.errors import ExchangeUnavailableError, InvalidValueError, RateLimitedError

Result = TypeVar("Result")


class BanList:
    """Until when no call may be made to an exchange from this process.

    Parameters
    ----------
    monotonic : callable
        Seconds of a clock that never goes back.
    announce : callable, optional
        Told the exchange and the seconds of every ban, so that other processes keep it too.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        announce: Callable[[str, float], None] = lambda _exchange_id, _seconds: None,
    ) -> None:
        self._monotonic = monotonic
        self._announce = announce
        self._ends: dict[str, float] = {}

    def ban(self, exchange_id: str, seconds: float) -> None:
        """Forbid calls for `seconds` from now on; a ban that ends later stays."""
        end = self._monotonic() + seconds
        self._ends[exchange_id] = max(end, self._ends.get(exchange_id, end))
        self._announce(exchange_id, seconds)

    def remaining(self, exchange_id: str) -> float:
        """Return the seconds until calls are allowed again, 0 if they are now."""
        end = self._ends.get(exchange_id)
        return 0.0 if end is None else max(0.0, end - self._monotonic())


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often and how patiently a call is tried again.

    Attributes
    ----------
    bans : BanList
        Shared by all that call the same exchange.
    attempts : int
        Calls in all, at least 1.
    first_delay, longest_delay : float
        Seconds. The n-th wait is drawn evenly from [0, min(longest_delay, first_delay * 2**n)] ("full jitter", which
        spreads callers that failed together best).
    patience : float
        Seconds that one `call` may spend waiting in all. An exchange that asks for a longer silence gets it, and the
        caller gets a RateLimitedError at once.
    sleep, draw : callable
        Seconds to wait; a number in [0, 1).
    before_retry : callable
        Told the exchange before every further attempt; raises RateLimitedError if another process was banned meanwhile.
    """

    bans: BanList
    attempts: int = 3
    first_delay: float = 0.5
    longest_delay: float = 4.0
    patience: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random
    before_retry: Callable[[str], None] = lambda _exchange_id: None

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidValueError(f"attempts must be at least 1, was {self.attempts}")

    def call(self, exchange_id: str, action: Callable[[], Result]) -> Result:
        """Return what `action` returns, called again after transient errors.

        Raises
        ------
        RateLimitedError
            If the silence asked for does not fit into the patience; `retry_after` is what remains of it. While a ban
            lasts `action` is not called.
        ExchangeUnavailableError
            The last of them, if every attempt failed.
        PermanentError
            At once.
        """
        patience = self.patience
        for attempt in range(self.attempts):
            patience -= self._wait_out_ban(exchange_id, patience)
            if attempt:
                self.before_retry(exchange_id)
            is_last = attempt == self.attempts - 1
            try:
                return action()
            except RateLimitedError as e:
                self.bans.ban(exchange_id, e.retry_after)
                if is_last:
                    raise
            except ExchangeUnavailableError:
                delay = self.draw() * min(self.longest_delay, self.first_delay * 2**attempt)
                if is_last or delay > patience:
                    raise
                self.sleep(delay)
                patience -= delay
        raise AssertionError("the last attempt returns or raises")

    def _wait_out_ban(self, exchange_id: str, patience: float) -> float:
        """Sleep until calls are allowed and return the seconds that took; raise RateLimitedError if it is too long."""
        waited = 0.0
        while (remaining := self.bans.remaining(exchange_id)) > 0:
            if waited + remaining > patience:
                raise RateLimitedError(
                    f"{exchange_id} must not be called for another {remaining:.1f} s; it asked for silence", remaining
                )
            self.sleep(remaining)
            waited += remaining
        return waited
