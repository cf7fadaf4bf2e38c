"""Every error of Signalbox, split by what the caller does about it: try again, or not.

SignalboxError
  TransientError                 the same call may succeed later: leave the message on its queue
    ExchangeUnavailableError     time-out, 5xx, maintenance
    RateLimitedError             429 or 418; `retry_after` says how long no call may be made
    StorageUnavailableError      throttled or failing storage
    QueueUnavailableError        a queue that did not take every message
    ChannelUnavailableError      a delivery service that is throttled or failing
      UnclearOutcomeError        it did not say whether it took what it was sent
    FeedUnavailableError         a source of news that is throttled or failing
  PermanentError                 the same call will fail again
    InvalidValueError            a value outside its definition (also a ValueError)
    MissingSettingError          the environment lacks a setting
    UnknownSymbolError           the exchange does not list the symbol
    ExchangeRefusedError         403 or 451: this place or account may not use the exchange
    ExchangeReplyError           a reply that cannot be read
    RecipientRejectedError       the recipient's endpoint is gone or invalid
      RecipientSuppressedError   the service may not tell this recipient: nobody failed
      EndpointGoneError          a device that is told no more, until it registers again
    LimitReachedError            the tier gives no more of this
    FeedUnreadableError          a source of news that refuses, or sends what cannot be read
    UploadLostError              an upload in parts, or a part of it, is no longer there
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


class UnclearOutcomeError(ChannelUnavailableError):
    """A delivery service did not answer: it may have taken what it was sent, or not."""


class FeedUnavailableError(TransientError):
    """A source of news did not answer, throttled the call, or failed."""


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


class RecipientSuppressedError(RecipientRejectedError):
    """The service is not allowed to tell this recipient; the message is the reason, in one word."""


class EndpointGoneError(RecipientRejectedError):
    """The push service knows the device no more, or was told that it is gone."""


class FeedUnreadableError(PermanentError):
    """A source of news refuses this caller, or sends something that is no feed."""


class LimitReachedError(PermanentError):
    """The account's tier gives no more of this."""


class UploadLostError(PermanentError):
    """An upload in parts, or a part of it, is no longer there: only beginning it anew helps."""
