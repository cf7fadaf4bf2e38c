"""Every error of Signalbox, split by what the caller does about it: try again, or not.

SignalboxError
  TransientError                 the same call may succeed later: leave the message on its queue
    ExchangeUnavailableError     time-out, 5xx, maintenance
    RateLimitedError             429 or 418; `retry_after` says how long no call may be made
    StorageUnavailableError      throttled or failing storage
    QueueUnavailableError        a queue that did not take every message
    ChannelUnavailableError      a delivery service that is throttled or failing
  PermanentError                 the same call will fail again
    InvalidValueError            a value outside its definition (also a ValueError)
    MissingSettingError          the environment lacks a setting
    UnknownSymbolError           the exchange does not list the symbol
    ExchangeRefusedError         403 or 451: this place or account may not use the exchange
    ExchangeReplyError           a reply that cannot be read
    RecipientRejectedError       the recipient's endpoint is gone or invalid
"""


class SignalboxError(Exception):
    """Base of every error that Signalbox raises on purpose."""


class TransientError(SignalboxError):
    """The same call may succeed later."""


class PermanentError(SignalboxError):
    """The same call will fail again until somebody changes something."""


class ExchangeUnavailableError(TransientError):
    """An exchange did not answer, answered 5xx, or is under maintenance."""


class RateLimitedError(TransientError):
    """An exchange or service asked for silence.

    Parameters
    ----------
    message : str
        What was asked of whom.
    retry_after : float
        Seconds in which no call may be made.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StorageUnavailableError(TransientError):
    """Storage throttled the call or failed."""


class QueueUnavailableError(TransientError):
    """A queue throttled the call, failed, or took only some of the messages."""


class ChannelUnavailableError(TransientError):
    """A delivery service throttled the call or failed."""


class InvalidValueError(PermanentError, ValueError):
    """A value outside its definition; the message says what was expected and what was found."""


class MissingSettingError(PermanentError):
    """The environment lacks a setting that this function needs."""


class UnknownSymbolError(PermanentError):
    """The exchange does not list the symbol."""


class ExchangeRefusedError(PermanentError):
    """The exchange refuses this place or account (403, 451)."""


class ExchangeReplyError(PermanentError):
    """The exchange answered something that cannot be read."""


class RecipientRejectedError(PermanentError):
    """The recipient's endpoint is gone, disabled or invalid."""
