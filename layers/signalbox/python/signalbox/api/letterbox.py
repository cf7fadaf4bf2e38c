"""What the API mails one-time links with."""

from signalbox import bootstrap
from signalbox.domain.delivery.delivery import Channel
from signalbox.services.sign_in import Letterbox
from signalbox.settings import settings


def letterbox() -> Letterbox:
    """Return the letterbox of this deployment."""
    return Letterbox(
        tokens=bootstrap.one_time_token_repository(),
        quotas=bootstrap.quota_repository(),
        sender=bootstrap.senders()[Channel.EMAIL],
        page_url=settings().page_url,
    )
