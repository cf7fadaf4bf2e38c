"""Letters about an account: a link to sign in, a link to confirm an address. No text of a user is in them."""

import json

from signalbox.domain.accounts.tokens import MAILED_LIFE
from signalbox.domain.delivery import mail_frame
from signalbox.domain.delivery.message import Message

_MINUTES = int(MAILED_LIFE.total_seconds() // 60)


def sign_in_letter(token: str, page_url: str, api_url: str) -> Message:
    """Return the letter that signs in whoever can read it."""
    return _letter(
        "Sign in to Signalbox",
        "Somebody, probably you, asked to sign in to Signalbox with this address.",
        "Sign in",
        f"{page_url}/sign-in#{token}" if page_url else "",
        _request(f"{api_url}/signals/api/sign-in/confirm", token),
    )


def confirmation_letter(token: str, page_url: str, api_url: str) -> Message:
    """Return the letter that lets signals be sent to whoever can read it."""
    return _letter(
        "Confirm your address for Signalbox",
        "Somebody, probably you, asked Signalbox to send trading signals to this address. "
        "Nothing is sent until you agree.",
        "Confirm",
        f"{page_url}/confirm#{token}" if page_url else "",
        _request(f"{api_url}/signals/api/subscriptions/confirm", token),
    )


def _request(url: str, token: str) -> str:
    """Return the request that uses a token, as a command line: a link alone cannot, as scanners open links too."""
    return f"curl -X POST \"{url}\" -H 'Content-Type: application/json' -d '{json.dumps({'token': token})}'"


def _letter(subject: str, why: str, action: str, link: str, request: str) -> Message:
    """Return a letter with a link, or the request to make where there are no pages.

    In a link the token stands behind `#`, which browsers do not send: it reaches no log on the way.
    """
    limits = f"It works once, for {_MINUTES} minutes. If it was not you, do nothing."
    asks = f"{action} with this request to the API, from a command line:"
    if link:
        how = f"{action}: {link}"
        shown = [
            mail_frame.button(action, link),
            mail_frame.paragraph(f"Or copy this address into your browser: {link}"),
        ]
    else:
        how = f"{asks}\n\n{request}"
        shown = [mail_frame.paragraph(asks), mail_frame.code(request)]
    parts = [mail_frame.heading(subject), mail_frame.paragraph(why), *shown]
    return Message(
        subject=subject,
        text=f"{why}\n\n{how}\n\n{limits}\n",
        html=mail_frame.page(subject, parts, [limits], preview=why),
    )
