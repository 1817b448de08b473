"""All streams, subjects and durable consumers of the bus, declared once, as data.

An event is sent on `<area>.<event>.<shard>`, a doorbell on `doorbell.<who>[.<which>]`. Subjects contain only ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.ids import SHARDS

MINUTE = 60.0
DAY = 24 * 60 * MINUTE
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WorkSubject:
    """An event that is sent as work, with a subject for each shard."""

    area: str
    name: str
    meaning: str
    subjects: tuple[str, ...]

    @property
    def type(self) -> str:
        """The stored name of the event, which is its subject without the shard."""
        return f"{self.area}.{self.name}"

    @property
    def pattern(self) -> str:
        """The pattern for all shards of the event."""
        return f"{self.type}.*"

    def on(self, shard: int) -> str:
        """The subject of one shard (0 to 15)."""
        return self.subjects[shard]


def _subject(area: str, name: str, meaning: str) -> WorkSubject:
    return WorkSubject(area, name, meaning, tuple(f"{area}.{name}.{shard}" for shard in range(SHARDS)))


RECEIVED = _subject(
    "mail", "received", "A message was accepted from the Internet and is durable at the ingress; it wants a verdict."
)
SUBMITTED = _subject(
    "mail", "submitted", "A user's message was accepted and is durable at the ingress; it wants to be delivered."
)
CLASSIFIED = _subject("mail", "classified", "A received message has its verdict; it wants to be delivered.")
SETTLED = _subject(
    "mail", "settled", "Every recipient of a message is delivered, queued or bounced; its reception may be released."
)


@dataclass(frozen=True, slots=True)
class Stream:
    """A JetStream work queue: each event has one consumer, and an acknowledged message is deleted at once.

    A message that nobody takes is removed after `max_age` seconds. When the stream has `max_bytes`, publishes are
    refused, and no older work is dropped. In both cases the sender's repeats bring the message back. `dedupe_window` is
    in seconds.
    """

    name: str
    subjects: tuple[WorkSubject, ...]
    max_age: float = DAY
    max_bytes: int = 512 * MEGABYTE
    dedupe_window: float = 2 * MINUTE


MAIL = Stream("MAIL", (RECEIVED, SUBMITTED, CLASSIFIED, SETTLED))
STREAMS = (MAIL,)


@dataclass(frozen=True, slots=True)
class Durable:
    """A durable pull consumer: `service` processes `event`.

    `max_ack_pending` limits the messages that workers are processing or that wait for a retry.
    """

    service: str
    subject: WorkSubject
    stream: Stream
    max_ack_pending: int = 4096

    @property
    def name(self) -> str:
        return f"{self.service}-{self.subject.name}"


CLASSIFIER_RECEIVED = Durable("classifier", RECEIVED, MAIL)
DELIVERY_SUBMITTED = Durable("delivery", SUBMITTED, MAIL)
DELIVERY_CLASSIFIED = Durable("delivery", CLASSIFIED, MAIL)
INGRESS_SETTLED = Durable("ingress", SETTLED, MAIL)
DURABLES = (CLASSIFIER_RECEIVED, DELIVERY_SUBMITTED, DELIVERY_CLASSIFIED, INGRESS_SETTLED)

QUOTA_DOORBELL = "doorbell.quota"
"""Rung when the owner of an account is warned about the quota, or has clearly more room again."""
DOORBELL_LOG = "doorbell.log"
"""Rung when the event log has new entries (live tail)."""


def store_doorbell(service: str, shard: int) -> str:
    """Rung when a shard of a service's event store has new events."""
    return f"doorbell.{service}.{shard}"


def store_doorbell_pattern(service: str) -> str:
    """The pattern for all shards of a service's event store."""
    return f"doorbell.{service}.*"


def account_doorbell(account_id: str) -> str:
    """Rung when the version of an account's mailboxes has changed. The payload is the new version in ASCII digits."""
    return f"doorbell.account.{account_id}"


ACCOUNT_DOORBELL_PATTERN = "doorbell.account.*"
"""The pattern for all accounts."""

SCRIPTS_DOORBELL = "doorbell.scripts"
"""Rung when scripts of an owner have changed. The payload is the owner."""

RIGHTS_DOORBELL = "doorbell.rights"
"""Rung when an owner, or the directory, has changed who has rights to others' mailboxes. The payload is the owner; it
is empty when the mailboxes of any owner may be concerned."""
