"""Events of delivery. Stream: the queue id."""

from __future__ import annotations

import msgspec

from shared.events.mail import Outcome
from shared.eventstore.event import Event, stored


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One effect of a plan, keyed by (queue id, recipient, index)."""

    recipient: str
    """The accepted forward-path this step serves."""
    index: int
    action: str
    """`store`, `enqueue`, `bounce` or `discard`."""
    account: str = ""
    address: str = ""
    """The address the copy goes to, after aliases."""
    mailbox: str = ""
    spam: bool = False
    flags: tuple[str, ...] = ()
    prefix: bytes = b""
    """The whole prefix of the copy: Return-Path, Delivered-To, X-Spam-*, and what ingress added."""
    blob: str = ""
    """Another blob than the reception's (a DSN)."""
    size: int = 0
    reason: str = ""
    quota_bytes: int = 0
    message_id: str = ""
    reverse_path: str = ""
    rule: str = ""
    """Which script step or rule led here."""


@stored("delivery.planned")
class DeliveryPlanned(Event, frozen=True):
    """What will be done for each recipient: decided once, then carried out; a repeat executes this plan."""

    queue_id: str
    steps: tuple[Step, ...]
    routes: tuple[str, ...] = ()
    """How each recipient was resolved, for people: `info@a → ann@a (alias)`."""


@stored("delivery.settled")
class DeliverySettled(Event, frozen=True):
    """Every step of the plan is done."""

    queue_id: str
    outcomes: tuple[Outcome, ...]


@stored("delivery.bounced")
class DeliveryBounced(Event, frozen=True):
    """A step turned out to be undeliverable after acceptance (mailbox full, account gone): replaced by a bounce
    step."""

    queue_id: str
    recipient: str
    index: int
    reason: str
    status: str
    steps: tuple[Step, ...] = ()
