"""Converts between the contract's messages and the store's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from services.mailstore.domain.flags import Flags
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers.changed_mailboxes import ChangedMailboxes
from services.mailstore.handlers.delivery_places import DeliveryPlace
from services.mailstore.handlers.fetch import Fetched, MessageRow, RequestedAttributes
from services.mailstore.handlers.messages import NewMessage, Placed
from services.mailstore.handlers.queries import ChangedFlags, FlagRunAt
from shared.protocol.imap.ranges import Ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


def uid_set(ranges: Iterable[tuple[int, int]]) -> pb.UidSet:
    """Ascending ranges as a message of the contract."""
    return pb.UidSet(bounds=list(chain.from_iterable(ranges)))


def ranges(uids: pb.UidSet) -> Ranges:
    """Ascending ranges from a message of the contract."""
    bounds = iter(list(uids.bounds))
    return tuple(zip(bounds, bounds, strict=True))


def mailbox(state: MailboxState, *, subscribed: bool = True) -> pb.Mailbox:
    """A mailbox with its counters."""
    return pb.Mailbox(
        id=state.id,
        name=state.name,
        special_use=state.special_use,
        subscribed=subscribed,
        uid_validity=state.uid_validity,
        uid_next=state.uid_next,
        messages=state.messages,
        unseen=state.unseen,
        deleted=state.deleted,
        size=state.size,
        highest_modseq=state.modseq,
        selectable=True,
    )


def changed_mailboxes(changed: ChangedMailboxes) -> pb.ChangedMailboxesReply:
    """The mailboxes that changed."""
    return pb.ChangedMailboxesReply(
        version=changed.version,
        whole=changed.whole,
        mailboxes=map(mailbox, changed.mailboxes),
        gone=changed.gone,
        subscriptions=[
            pb.SubscriptionChange(name=name, subscribed=subscribed) for name, subscribed in changed.subscriptions
        ],
    )


def delivered(request: pb.DeliverRequest) -> NewMessage:
    """The message of a delivery."""
    return NewMessage(
        request.blob,
        request.size,
        request.prefix,
        tuple(request.flags),
        request.internal_date,
        0,
        request.message_id,
        tuple(request.references),
        request.subject,
    )


def place(request: pb.DeliverRequest) -> DeliveryPlace:
    """Where a delivery goes."""
    return DeliveryPlace(request.mailbox, request.spam, request.create, request.mailbox_id, request.special_use)


def appended(message: pb.AppendMessage) -> NewMessage:
    """A message of an APPEND."""
    return NewMessage(
        message.blob,
        message.size,
        b"",
        tuple(message.flags),
        message.internal_date,
        message.zone,
        message.message_id,
        tuple(message.references),
        message.subject,
    )


def requested(request: pb.FetchRequest) -> RequestedAttributes:
    """The attributes that a fetch requests."""
    return RequestedAttributes(
        request.envelope,
        request.body,
        request.body_structure,
        request.size,
        request.internal_date,
        request.email_id,
        request.thread_id,
        request.save_date,
        request.contents,
        request.preview,
        request.without_flags and not request.mark_seen,
    )


def batch(fetched: Fetched, version: int, *, contents: bool, flags: bool = True) -> pb.FetchBatch:
    """A batch of fetched messages.

    `version` is the version that it shows; setting \\Seen makes a newer one.
    """
    messages = fetched.messages
    reply = pb.FetchBatch(version=version, uids=[message.uid for message in messages], attributes=fetched.attributes)
    if flags:
        _add_flags(reply, messages)
    if fetched.previews is not None:
        reply.previews.extend([preview or "" for preview in fetched.previews])
        reply.without_preview.extend([at for at, preview in enumerate(fetched.previews) if preview is None])
    if contents or reply.without_preview:
        reply.blobs.extend([message.blob for message in messages])
    if contents:
        reply.prefixes.extend([message.prefix for message in messages])
    return reply


def _add_flags(reply: pb.FetchBatch, messages: Sequence[MessageRow]) -> None:
    """Add FLAGS and MODSEQ of each message."""
    sets: dict[tuple[int, str], int] = {}
    reply.modseqs.extend([message.modseq for message in messages])
    reply.flags.extend([sets.setdefault((message.system, message.keywords), len(sets)) for message in messages])
    reply.flag_sets.extend([pb.FlagList(flags=Flags(*flags).names()) for flags in sets])
    if any(message.is_marked for message in messages):
        reply.seen_set.extend([message.is_marked for message in messages])
        reply.version = max(reply.version, *(message.modseq for message in messages if message.is_marked))


def changed(changes: Iterable[ChangedFlags]) -> list[pb.Changed]:
    """The messages whose flags changed."""
    return [pb.Changed(uid=change.uid, flags=change.flags, modseq=change.modseq) for change in changes]


def flag_runs(runs: Iterable[FlagRunAt]) -> list[pb.FlagRun]:
    """Neighbours with the same flags."""
    return [pb.FlagRun(first=run.first, last=run.last, flags=run.flags, modseq=run.modseq) for run in runs]


def placed(placed: Placed) -> pb.CopyReply:
    """The UIDs of copied or moved messages."""
    return pb.CopyReply(
        uid_validity=placed.uid_validity,
        source=uid_set(placed.source),
        target=uid_set(placed.target),
        version=placed.version,
    )
