"""How full the queues are, as SQS counts them: about, and some seconds late."""

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from signalbox.adapters import aws
from signalbox.domain.errors import InvalidValueError, PermanentError, QueueUnavailableError
from signalbox.ports.work import QueueDepth
from signalbox.settings import resource

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_AT_ONCE = 8


class SqsQueueWatch:
    """Implements `ports.QueueWatch`.

    Parameters
    ----------
    setting : str
        The environment variable that lists the queues, as `name=url` parted by commas.
    """

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def depths(self) -> list[QueueDepth]:
        """Return how full each queue is, in the order of the setting.

        Raises QueueUnavailableError if one does not say so at the moment, InvalidValueError for a setting that is none.
        """
        queues = [each.strip().partition("=") for each in resource(self._setting).split(",") if each.strip()]
        for name, _, url in queues:
            if not (name and url):
                raise InvalidValueError(f"{self._setting} must be name=url parted by commas, had {name!r}")
        sqs = aws.client("sqs")

        def depth(queue: tuple[str, str, str]) -> QueueDepth:
            name, _, url = queue
            try:
                reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
            except (ClientError, *aws.NETWORK_ERRORS) as e:
                kind = QueueUnavailableError if aws.may_succeed_later(e) else PermanentError
                raise kind(f"queue {name} did not say how full it is: {e}") from e
            return QueueDepth(name, *(int(reply["Attributes"].get(count, 0)) for count in _COUNTS))

        if not queues:
            return []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(depth, queues))
