"""What the API mails one-time links with."""

from collections.abc import Mapping
from typing import Any

from signalbox import bootstrap
from signalbox.domain.delivery.delivery import Channel
from signalbox.services.sign_in import Letterbox
from signalbox.settings import settings


def letterbox(event_context: Mapping[str, Any]) -> Letterbox:
    """Return the letterbox of this deployment, as the request with this context reached it."""
    return Letterbox(
        tokens=bootstrap.one_time_token_repository(),
        quotas=bootstrap.quota_repository(),
        sender=bootstrap.senders()[Channel.EMAIL],
        page_url=settings().page_url,
        api_url=api_url(event_context),
    )


def api_url(event_context: Mapping[str, Any]) -> str:
    """Return where the request with this context found the API; a function of it cannot be told beforehand.

    The local cloud does not say: there it is `$API`, as the README's examples have it.
    """
    host = event_context.get("domainName")
    stage, _, _ = str(event_context.get("path")).partition("/signals/api/")
    return f"https://{host}{stage}" if host else "$API"
