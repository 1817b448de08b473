"""FETCH: attributes come ready from the mailstore, flags from the session, and sections from the blob store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat

import msgspec
import structlog

from services.access.adapters.mailstore import spans
from services.access.commands.answer import answer_for, done
from services.access.commands.contents import Contents, Piece, UnknownEncoding
from services.access.commands.fetch_plan import FetchPlan, SectionItem, plan_of
from services.access.commands.fetch_previews import FetchedMessage, answer_previews, batch_previews, known_preview
from services.access.commands.fetch_window import windowed
from services.access.session.channel import SessionEnded
from services.access.session.flag_runs import write_flags
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from services.access.session.sync import write_vanished
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.fetch import BinarySection, BinarySize, PreviewItem
from shared.protocol.imap.fetch_response import binary_size_item, preview_item
from shared.protocol.imap.flags import RECENT, flag_list
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.response_code import Code
from shared.protocol.imap.utf8_form import quoted_utf8
from shared.protocol.imap.wire_string import char8
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scans import scan_of

log = structlog.get_logger("access")
_UIDS_A_TURN = 1000
_WHOLE_OCTETS = 32 * 1024
"""Octets of a message that is read and written as one piece."""
_flag_list = lru_cache(maxsize=1024)(flag_list)


class FetchOutcome(msgspec.Struct):
    """The outcome of a FETCH."""

    answered: int = 0
    missing: int = 0
    """The number of messages that are in the view but gone from the store."""
    unreadable: bool = False
    undecodable: bool = False


async def fetch(session: ImapSession, command: c.Fetch) -> bytes:
    """Fetch messages (RFC 3501 §6.4.5)."""
    requested = plan_of(command.items)
    if requested.modseq:
        session.enable_condstore()
    mailbox = session.mailbox
    uids = await session.resolve(command.sequence, uid=command.uid)
    if command.vanished and not session.qresync:
        return response.bad(command.tag, "QRESYNC is not enabled")  # RFC 7162 §3.2.6
    if command.partial is not None:
        uids = await windowed(session, command, uids, command.partial)
    if requested.is_uid_alone and command.changed_since is None:
        return await _answer_uids(session, command, uids)
    outcome = FetchOutcome()
    if uids or command.vanished:
        await _stream(session, command, requested, uids, outcome)
    if outcome.answered and requested.reads_bodies:
        session.backend.log_ins.read_bodies.note(mailbox.account, mailbox.id, "imap", outcome.answered)
    asked = await mailbox.count(uids, session.backend.turns)
    if command.changed_since is None and outcome.answered < asked:
        await session.look_again()
        outcome.missing = asked - outcome.answered
    return _answer(command, outcome)


async def _answer_uids(session: ImapSession, command: c.Fetch, uids: NumberSet) -> bytes:
    """Answer a FETCH of UIDs alone from the view.

    It includes messages that are gone while the client still counts them (RFC 2180 §4.1.1).
    """
    runs, uid_only = session.mailbox.runs, session.mailbox.uid_only
    line = b"* %d UIDFETCH (UID %d)\r\n" if uid_only else b"* %d FETCH (UID %d)\r\n"
    for page in runs.batches(uids, _UIDS_A_TURN):
        lines = [
            line % ((first if uid_only else number) + at, first + at)
            for number, first, last in runs.numbered(page)
            for at in range(last - first + 1)
        ]
        session.channel.write(b"".join(lines))
        await session.channel.spill()
        await session.backend.turns.spend(keys=len(lines))
    return done(command.tag, "FETCH")


async def _stream(
    session: ImapSession, command: c.Fetch, requested: FetchPlan, uids: NumberSet, outcome: FetchOutcome
) -> None:
    mailbox = session.mailbox
    request = pb.FetchRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        uids=spans(uids),
        contents=requested.reads_sections,
        preview=requested.shows_previews,
        without_flags=not (requested.flags or requested.modseq or requested.marks_seen),
        changed_since=command.changed_since or 0,
        mark_seen=requested.marks_seen and not mailbox.read_only,
        vanished=command.vanished,
        flag_runs=requested.is_flags_alone,
    )
    for name in requested.attributes:
        setattr(request, name, True)
    asked = mailbox.below_uid_next(command.sequence.resolve(mailbox.uid_next - 1)) if command.vanished else NumberSet()
    with session.writing():
        async for batch in session.backend.mailstore.fetch(request):
            await write_vanished(session, mailbox, batch, asked)
            await _answer_batch(session, requested, batch, outcome)


def _answer(command: c.Fetch, outcome: FetchOutcome) -> bytes:
    if outcome.unreadable:
        return response.no(command.tag, "Some messages could not be read", Code.SERVERBUG)
    if outcome.undecodable:
        return response.no(command.tag, "Some parts have an unknown encoding", Code.UNKNOWN_CTE)  # RFC 3516 §4.3
    return answer_for(command, "FETCH", outcome.answered + outcome.missing, outcome.answered)


async def _answer_batch(
    session: ImapSession, requested: FetchPlan, batch: pb.FetchBatch, outcome: FetchOutcome
) -> None:
    if batch.runs:
        outcome.answered += await write_flags(session, session.mailbox, batch.runs, uid=requested.uid)
        return
    if requested.flags or requested.marks_seen:
        session.channel.write(
            session.mailbox.report_keywords(flag for flags in batch.flag_sets for flag in flags.flags)
        )
    if any(batch.seen_set):
        session.mailbox.watch.note(batch.version)
    heads = _heads(session, requested, batch)
    outcome.answered += len(heads)
    await session.backend.turns.spend(rows=2 * len(heads))
    if not requested.contents:
        if heads:
            session.channel.write(b")\r\n".join(heads) + b")\r\n")
        await session.channel.spill()
        return
    if not requested.reads_sections and not batch.without_preview:
        await answer_previews(session, requested, heads, batch.previews)
        return
    previews = batch_previews(batch) if requested.shows_previews else repeat(None)
    rows = zip(heads, batch.blobs, batch.prefixes or repeat(b""), previews, strict=False)
    for head, blob, prefix, preview in rows:
        if not (requested.whole and await _answer_whole(session, requested.whole, head, blob, prefix)):
            await _answer_contents(session, requested, head, FetchedMessage(blob, prefix, preview), outcome)


def _heads(session: ImapSession, requested: FetchPlan, batch: pb.FetchBatch) -> list[bytes]:
    """The response for each message, up to its sections: `* 1 FETCH (UID 7 FLAGS (\\Seen) …`.

    A column of items is made at a time: a loop over the items of each message would be most of the work of a listing.
    """
    mailbox, uids, modseqs = session.mailbox, list(batch.uids), list(batch.modseqs)
    columns: list[Sequence[bytes]] = []
    if requested.uid and not mailbox.uid_only:
        columns.append([b"UID %d" % uid for uid in uids])
    if requested.flags or batch.seen_set:
        columns.append(_flags_column(mailbox, requested, batch, uids, modseqs))
    if requested.modseq:
        columns.append([b"MODSEQ (%d)" % modseq for modseq in modseqs])
        mailbox.note_modseq(max(modseqs, default=0))
    if requested.attributes:
        columns.append(list(map(quoted_utf8, batch.attributes)) if session.utf8 else batch.attributes)
    items: Iterable[bytes]
    if len(columns) == 1:
        items = columns[0]
    elif batch.seen_set:  # some messages have no flags to report
        items = [b" ".join(filter(None, row)) for row in zip(*columns, strict=True)]
    else:
        items = map(b" ".join, zip(*columns, strict=True)) if columns else repeat(b"", len(uids))
    if mailbox.uid_only:  # RFC 9586: the UID is in front
        return list(map(b"* %d UIDFETCH (%b".__mod__, zip(uids, items, strict=True)))
    return list(map(b"* %d FETCH (%b".__mod__, zip(_numbers(mailbox, uids), items, strict=True)))


def _flags_column(
    mailbox: Selected, requested: FetchPlan, batch: pb.FetchBatch, uids: list[int], modseqs: list[int]
) -> list[bytes]:
    """FLAGS of each message; without the item only where this command has set \\Seen (RFC 3501 §6.4.5)."""
    texts = [b"FLAGS " + _flag_list(tuple(flags.flags)) for flags in batch.flag_sets]
    recent = mailbox.recent_of(uids)
    if recent:
        recents = [b"FLAGS " + _flag_list((*flags.flags, RECENT)) for flags in batch.flag_sets]
        pairs = zip(uids, batch.flags, strict=True)
        column = [(recents if uid in recent else texts)[number] for uid, number in pairs]
    else:
        column = [texts[number] for number in batch.flags]
    if not requested.flags:
        column = [text if is_seen else b"" for text, is_seen in zip(column, batch.seen_set, strict=True)]
    if max(modseqs, default=0) > mailbox.version:
        for uid, modseq, text in zip(uids, modseqs, column, strict=True):
            if text:
                mailbox.note_reported(uid, modseq)
    return column


def _numbers(mailbox: Selected, uids: list[int]) -> Iterable[int]:
    """The sequence numbers of ascending UIDs, all of which are in the view."""
    if not uids:
        return ()
    first, last = mailbox.runs.sequence_of(uids[0]), mailbox.runs.sequence_of(uids[-1])
    if first and last - first == len(uids) - 1:
        return range(first, last + 1)
    return map(mailbox.runs.sequence_of, uids)


async def _answer_whole(session: ImapSession, label: bytes, head: bytes, blob_id: str, prefix: bytes) -> bool:
    """Answer with a small message as one piece; False when it is large or cannot be read, and nothing was written."""
    channel, turns = session.channel, session.backend.turns
    try:
        blob = await session.backend.blobs.read(BlobId(blob_id))
        if blob.body_size > _WHOLE_OCTETS:
            return False
        octets = prefix + blob.read(0, blob.body_size)
    except BlobError:
        return False  # it is read once more, and then the error is reported
    space = b"" if head.endswith(b"(") else b" "
    channel.write(b"%b%b%b {%d}\r\n%b)\r\n" % (head, space, label, len(octets), char8(octets)))
    await channel.spill()
    turns.count(files=1, octets=len(octets))
    if turns.is_spent:
        await turns.spend()
    return True


async def _answer_contents(
    session: ImapSession,
    plan: FetchPlan,
    head: bytes,
    message: FetchedMessage,
    outcome: FetchOutcome,
) -> None:
    channel, space = session.channel, b"" if head.endswith(b"(") else b" "
    turns = session.backend.turns
    at_hand = not plan.reads_sections and (plan.is_lazy or known_preview(session, message) is not None)
    contents = None if at_hand else await _open_contents(session, plan.needs_scan, message, outcome)
    for item in plan.contents:
        turns.count(files=1)
        if turns.is_spent:
            await turns.spend()
        if isinstance(item, PreviewItem):
            text = await _preview(session, contents, item, message, outcome)
            channel.write(head + space + preview_item(text))
            head, space = b"", b" "
        elif await _answer_item(session, contents, item, head + space, outcome):
            head, space = b"", b" "
    # RFC 3501 §9: a FETCH response has at least one item.
    if not head.endswith(b"("):
        channel.write(head + b")\r\n")
    await channel.spill()


async def _preview(
    session: ImapSession, contents: Contents | None, item: PreviewItem, message: FetchedMessage, outcome: FetchOutcome
) -> str | None:
    """The preview; None when it is not at hand and the client does not wait for it (RFC 8970 §3.1)."""
    known = known_preview(session, message)
    if known is not None or item.is_lazy:
        return known
    try:
        return await contents.preview(session.mailbox.account, session.backend.previews) if contents is not None else ""
    except BlobError as error:
        _note_failure(session, error, outcome)
        return ""


async def _open_contents(
    session: ImapSession, needs_scan: bool, message: FetchedMessage, outcome: FetchOutcome
) -> Contents | None:
    blobs = session.backend.blobs
    try:
        blob = await blobs.read(BlobId(message.blob))
        return Contents(message.prefix, blob, session.backend.turns, await scan_of(blobs, blob) if needs_scan else None)
    except BlobError as error:
        outcome.unreadable = True
        log.error("access.blob_unreadable", session=session.id, blob=message.blob, error=str(error))
        return None


async def _answer_item(
    session: ImapSession, contents: Contents | None, item: SectionItem, before: bytes, outcome: FetchOutcome
) -> bool:
    """Write the text before an item and the item; False when the grammar has no way to write this item."""
    size, piece = 0, None
    try:
        if contents is not None and isinstance(item, BinarySize):
            size = await contents.decoded_size(item) or 0
        elif contents is not None:
            piece = await contents.read(item)
    except (UnknownEncoding, BlobError) as error:
        _note_failure(session, error, outcome)
        contents = None
    if isinstance(item, BinarySize):
        # RFC 3516 §7: the size is a number and cannot be NIL.
        session.channel.write(before + binary_size_item(item.label, size) if contents is not None else b"")
        return contents is not None
    if piece is None:
        session.channel.write(before + item.label + b" NIL")  # RFC 3501 §7.4.2
    else:
        session.channel.write(before)
        await _write_piece(session, item, piece)
    return True


def _note_failure(session: ImapSession, error: Exception, outcome: FetchOutcome) -> None:
    if isinstance(error, UnknownEncoding):
        outcome.undecodable = True
        return
    outcome.unreadable = True
    log.error("access.blob_unreadable", session=session.id, error=str(error))


async def _write_piece(session: ImapSession, item: SectionItem, piece: Piece) -> None:
    channel, turns = session.channel, session.backend.turns
    tilde = b"~" if piece.binary and isinstance(item, BinarySection) else b""
    channel.write_part(b"%b %b{%d}\r\n" % (item.label, tilde, piece.size))
    try:
        for octets in piece.pieces:
            channel.write_part(octets)
            await channel.spill()
            turns.count(octets=len(octets))
            if turns.is_spent:
                await turns.spend()
    except BlobError as error:
        # The size has been sent already, so the missing octets can only be signalled by closing the connection.
        log.error("access.blob_unreadable", session=session.id, error=str(error))
        raise SessionEnded from error
