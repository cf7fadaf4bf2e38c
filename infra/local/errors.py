"""What can go wrong around the local cloud, as one line a person can act on."""

from signalbox.domain.errors import SignalboxError


class RunFailedError(SignalboxError):
    """The run cannot go on. The message is one line: what happened, and what to do about it."""


class StationFailedError(RunFailedError):
    """A function did not do its part. The message names it and the reason."""
