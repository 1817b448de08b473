"""Events of delivery, in the stream of the queue id."""

from __future__ import annotations

import msgspec

from shared.events.mail import Outcome
from shared.eventstore.event import Event, stored


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a plan, with the key (queue id, recipient, index)."""

    recipient: str
    """The accepted forward-path for which this step is done."""
    index: int
    action: str
    """`store`, `enqueue`, `bounce`, `discard`, `list`, `hold`, `decide`, `leave`, `count`, `refuse`, `answer`, `notify`
    or `remember`."""
    account: str = ""
    address: str = ""
    """The address that gets the copy, after aliases."""
    mailbox: str = ""
    spam: bool = False
    flags: tuple[str, ...] = ()
    prefix: bytes = b""
    """The whole prefix of the copy: Return-Path, Delivered-To, X-Spam-*, and the fields added by the ingress."""
    blob: str = ""
    """The blob, when it is not that of the reception: that of a notification."""
    size: int = 0
    reason: str = ""
    quota_bytes: int = 0
    message_id: str = ""
    reverse_path: str = ""
    rule: str = ""
    """The command of the script, or the rule, that decided this step."""
    original_sender: str = ""
    """The reverse-path of the mail, where `reverse_path` is a return path in the domain that forwards (SRS)."""
    list_id: str = ""
    """The mailing list that gets the mail, that a member leaves, or whose member's bounce this is."""
    member: str = ""
    """The id of the member of a list who gets this copy, or whose bounce this is; of a decision the held post."""
    quota_messages: int = 0
    moderator: str = ""
    """The moderator who decides."""
    create: bool = False
    """Whether a missing mailbox is made (RFC 5490 §3.2)."""
    mailbox_id: str = ""
    """The mailbox that takes precedence over the name when it exists (RFC 9042 §4)."""
    special_use: str = ""
    """The mailbox with this use takes precedence over the name when there is one (RFC 8579 §4)."""
    added: bytes = b""
    """Header lines that a script has added on top of the message of this copy (RFC 5293 §4)."""
    edited: str = ""
    """The blob of this copy, when a script has changed more of the message than adding lines on top."""
    edited_size: int = 0
    memory: str = ""
    """What is remembered with this step: of a vacation response, of a duplicate, or of a notice to the owner."""
    memory_seconds: int = 0
    """How long it is remembered."""
    generated: str = ""
    """The queue id of the mail that this step hands over to the ingress; `blob` is its message."""
    subject: str = ""
    """The subject of the generated mail."""
    line: int = 0
    """The line of the script that decided this step."""
    notify: str = ""
    """NOTIFY of a redirect, when its script chooses it (RFC 6009 §4)."""
    ret: str = ""
    """RET of a redirect, when its script chooses it."""


@stored("delivery.planned")
class DeliveryPlanned(Event, frozen=True):
    """The steps for each recipient. They are decided once and then carried out; a repeat carries out this plan."""

    queue_id: str
    steps: tuple[Step, ...]
    routes: tuple[str, ...] = ()
    """A description of how each recipient was resolved: `info@a → ann@a (alias)`."""


@stored("delivery.list_expanded")
class DeliveryListExpanded(Event, frozen=True):
    """The steps for some members of a mailing list, in the order of their ids.

    The next part is decided when all steps of this one are done. So a list of any size is many small decisions, and a
    repeat carries out only the last of them.
    """

    queue_id: str
    recipient: str
    """The accepted forward-path that led to the list."""
    list_id: str
    address: str
    """The address of the list."""
    part: int
    steps: tuple[Step, ...]
    header: bytes
    """The fields that the list puts before each copy."""
    after: str = ""
    """The id of the last member of this part."""
    ended: bool = False
    """Whether these are the last members."""
    blob: str = ""
    """The message of the copies, when it is not that of the reception: the list has changed its header."""
    size: int = 0
    reason: str = ""
    """Why the list ended before its last member."""


@stored("delivery.settled")
class DeliverySettled(Event, frozen=True):
    """Every step of the plan is done."""

    queue_id: str
    outcomes: tuple[Outcome, ...]


@stored("delivery.bounced")
class DeliveryBounced(Event, frozen=True):
    """A step failed for good after acceptance (mailbox full, account gone); a step with a notification replaces it."""

    queue_id: str
    recipient: str
    index: int
    reason: str
    status: str
    steps: tuple[Step, ...] = ()


@stored("delivery.reported")
class DeliveryReported(Event, frozen=True):
    """Every copy is stored; the steps notify a sender who asked for reports of success (RFC 3461 §4.1)."""

    queue_id: str
    recipients: tuple[str, ...]
    """The forward-paths that the notifications are about."""
    steps: tuple[Step, ...]


@stored("delivery.remembered")
class DeliveryRemembered(Event, frozen=True):
    """What a script of an account did is remembered for some time.

    The stream is `sieve:<account>`, so that the memories of an account are one after the other.
    """

    account: str
    kind: str
    """`vacation`, `answer`, `duplicate`, `notice`, `redirect` or `notify`."""
    key: str
    """A hash of what is remembered."""
    until: int
    """In UTC microseconds."""
    queue_id: str
    index: int = 0
    """The step of the mail that remembers it."""


@stored("delivery.memories_forgotten")
class DeliveryMemoriesForgotten(Event, frozen=True):
    """All memories of an account are forgotten, because the account is erased."""

    account: str


@stored("delivery.script_sent")
class DeliveryScriptSent(Event, frozen=True):
    """What the script of an event in a mailbox sends (RFC 6785); the stream is `sieve-sending/<key>:<account>`."""

    queue_id: str
    """The queue id of what is sent."""
    account: str
    key: str
    steps: tuple[Step, ...]
    refusals: tuple[str, ...] = ()
    """Why not everything is sent."""
