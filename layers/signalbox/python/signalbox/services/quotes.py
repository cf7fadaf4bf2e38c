"""Ask several exchanges for their quotes at once, within a deadline: one that is slow holds up nobody."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_all
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from signalbox.domain.errors import RateLimitedError, SignalboxError, TransientError
from signalbox.domain.market.quotes import Quote
from signalbox.ports.market import Exchange

Answer = Future[dict[str, Quote]]
Wait = Callable[[Sequence[Answer], float], Any]
"""Comes back when every answer is there, or after so many seconds; the answers say by themselves which are."""


class Silence(StrEnum):
    """Why an exchange that was asked is left out of the consensus."""

    LATE = "late"
    RATE_LIMITED = "rate_limited"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class QuoteRound:
    """What the exchanges answered. `silent` says of each one that gave no quotes why not."""

    quotes: Sequence[Quote]
    silent: Mapping[str, Silence]


def ask_all(
    exchanges: Sequence[Exchange], symbols: Sequence[str], *, deadline_seconds: float, wait: Wait = wait_for_all
) -> QuoteRound:
    """Return the quotes of `symbols` on those exchanges that answer within `deadline_seconds`.

    Each exchange is asked in a thread of its own. A late answer is not waited for and not used.
    """
    if not exchanges:
        return QuoteRound((), {})
    threads = ThreadPoolExecutor(max_workers=len(exchanges), thread_name_prefix="quotes")
    answers = {exchange.exchange_id: threads.submit(exchange.quotes, symbols) for exchange in exchanges}
    wait(list(answers.values()), deadline_seconds)
    threads.shutdown(wait=False, cancel_futures=True)
    quotes: list[Quote] = []
    silent: dict[str, Silence] = {}
    for exchange_id, answer in answers.items():
        why = _silence(answer)
        if why is None:
            quotes += answer.result().values()
        else:
            silent[exchange_id] = why
    return QuoteRound(quotes, silent)


def _silence(answer: Answer) -> Silence | None:
    """Return why an answer is none; raise what is nobody's fault but ours."""
    if not answer.done() or answer.cancelled():
        return Silence.LATE
    error = answer.exception()
    if error is None:
        return None
    if not isinstance(error, SignalboxError):
        raise error
    if isinstance(error, RateLimitedError):
        return Silence.RATE_LIMITED
    return Silence.DOWN if isinstance(error, TransientError) else Silence.REFUSED
