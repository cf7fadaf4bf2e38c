"""Tell everybody who follows a topic: the entry first, in the log, then posts to those who are connected.

Whoever was away, or was missed by a worker that died between the two, finds the entry in the log by its number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signalbox.domain.delivery.message import Envelope, Outcome
from signalbox.domain.delivery.topics import public_name
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError, TransientError
from signalbox.ports.delivery import ConnectionPoster
from signalbox.ports.topics import FollowerRepository, TopicWriter
from signalbox.services.parallel import in_parallel

Entries = Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of posts. `gone` were removed; `missed` will see a gap in the numbers, and resume."""

    posted: int = 0
    gone: int = 0
    missed: int = 0


def events_message(topic: str, entries: Entries) -> dict[str, Any]:
    """Return entries of a stored topic as a client reads them."""
    events = [{"sequence": number, "data": dict(record)} for number, record in entries]
    return {"type": "events", "topic": public_name(topic), "events": events}


def fan_out(entries: Mapping[str, Entries], *, followers: FollowerRepository, poster: ConnectionPoster) -> Posted:
    """Post entries, by topic, to everybody who follows those topics, each topic in a post of its own.

    A connection that is gone is forgotten. One that cannot be reached now is not tried again: its client resumes.
    """
    messages = {topic: events_message(topic, entries[topic]) for topic in entries}
    wanted = [(connection_id, messages[topic]) for topic in entries for connection_id in followers.followers(topic)]
    return _post_all(wanted, followers, poster)


def fan_out_group(
    group: str, entries: Mapping[str, Entries], *, followers: FollowerRepository, poster: ConnectionPoster
) -> Posted:
    """Post entries of the topics of one group, by topic: one query finds all followers, and each gets one post.

    Who follows several of the topics gets them as `{"type": "batch", "messages": [...]}`.
    """
    told: dict[str, list[dict[str, Any]]] = {}
    for topic, connection_id in followers.following(group):
        if topic in entries:
            told.setdefault(connection_id, []).append(events_message(topic, entries[topic]))
    posts = [(name, each[0] if len(each) == 1 else {"type": "batch", "messages": each}) for name, each in told.items()]
    return _post_all(posts, followers, poster)


def _post_all(
    posts: Sequence[tuple[str, Mapping[str, Any]]], followers: FollowerRepository, poster: ConnectionPoster
) -> Posted:
    def post(each: tuple[str, Mapping[str, Any]]) -> Posted:
        connection_id, message = each
        try:
            poster.post(connection_id, message)
        except RecipientRejectedError:
            followers.remove(connection_id)
            return Posted(gone=1)
        except TransientError:
            return Posted(missed=1)
        return Posted(posted=1)

    done = in_parallel(post, posts)
    return Posted(sum(e.posted for e in done), sum(e.gone for e in done), sum(e.missed for e in done))


@dataclass(slots=True)
class TopicSender:
    """Implements `ports.BatchSender`: a recipient is a topic, and the log is what takes the message.

    A firing of an alert is in its topic already: there a recipient is `<topic>!<number>`, and is only posted.
    An entry has the id of its delivery, so that a delivery sent twice has one number. `now` is the wall clock's.
    """

    log: TopicWriter
    followers: FollowerRepository
    poster: ConnectionPoster
    now: datetime
    posted: list[Posted] = field(default_factory=list)

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Append every envelope to its topic and post what was appended; return `<topic>!<number>` for each."""
        by_topic: dict[str, list[int]] = {}
        for number, envelope in enumerate(envelopes):
            by_topic.setdefault(envelope.recipient.partition("!")[0], []).append(number)
        outcomes: list[Outcome] = [ChannelUnavailableError("the topic was not told")] * len(envelopes)
        appended: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}

        def append(topic: str) -> None:
            for place in by_topic[topic]:
                envelope = envelopes[place]
                record = {"delivery_id": envelope.delivery_id, **envelope.message.facts}
                try:
                    sequence = self._number(envelope, record)
                except TransientError as e:
                    outcomes[place] = ChannelUnavailableError(f"{topic} did not take {envelope.delivery_id}: {e}")
                    continue
                outcomes[place] = f"{topic}!{sequence}"
                appended.setdefault(topic, []).append((sequence, record))

        # Of one topic one after the other, as each takes the number after the last; of many at the same time.
        in_parallel(append, list(by_topic))
        if appended:
            self.posted.append(fan_out(appended, followers=self.followers, poster=self.poster))
        return outcomes

    def _number(self, envelope: Envelope, record: Mapping[str, Any]) -> int:
        topic, _, number = envelope.recipient.partition("!")
        return int(number) if number else self.log.append_once(topic, envelope.delivery_id, record, self.now)
