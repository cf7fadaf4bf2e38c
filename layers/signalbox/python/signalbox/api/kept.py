"""Answers that are kept until their data change, as a view gives them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalice.app import Response

from signalbox import bootstrap
from signalbox.api.endpoint import JSON
from signalbox.api.page_texts import spelled
from signalbox.domain.caching.questions import key_of
from signalbox.ports.caching import Reading, Request


def kept(
    question: Mapping[str, Any], rests_on: Sequence[str], read: Callable[[], Mapping[str, Any]], *, now: datetime
) -> str:
    """Return the JSON text of a document that every tier sees alike, kept while the counters it rests on stand still.

    Parameters
    ----------
    question : mapping
        All that the document depends on, in JSON's own types.
    rests_on : sequence of str
        The counters of `domain.caching.versions`.
    read : callable
        Reads the document where it is not kept.
    now : datetime
        The system clock's.
    """
    request = Request(key=key_of(question), names=tuple(rests_on), visible_at=now, now=now)
    return bootstrap.answer_cache().answer(request, lambda: Reading(spelled(read()))).text


def answered(text: str) -> Response:
    """Return a JSON text as an answer."""
    return Response(body=text, headers={"Content-Type": JSON})
