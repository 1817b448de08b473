"""COPY and MOVE."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.access.adapters.mailstore import numbers, spans
from services.access.commands.answer import READ_ONLY_TEXT, done
from services.access.commands.append_intake import note_version
from services.access.session.owned_name import OwnedName
from services.access.session.refusals import reason_code
from services.access.session.session import ImapSession
from services.access.session.sync import report_removal
from shared.grpc.errors import NotFound, NotNow
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.response_code import Code, copyuid, highestmodseq, messagelimit
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def _request(session: ImapSession, command: c.Copy | c.Move) -> pb.CopyRequest:
    mailbox, target = session.mailbox, await _target(session, command.mailbox)
    uids = await session.resolve(command.sequence, uid=command.uid)
    return pb.CopyRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        uids=spans(uids),
        target=target.name,
        target_account=target.account if target.account != mailbox.account else "",
        messages=await mailbox.count(uids, session.backend.turns),
    )


async def _target(session: ImapSession, name: str) -> OwnedName:
    """Where the messages go. Raises NotFound with TRYCREATE."""
    try:
        return await session.place(name)
    except NotFound as missing:
        raise NotFound(missing.message, Code.TRYCREATE.name) from missing


def _over_limit(session: ImapSession, command: c.Copy | c.Move, request: pb.CopyRequest) -> bytes:
    """The refusal of more messages than MESSAGELIMIT announces (RFC 9738); empty when there are not too many."""
    limit = session.backend.settings.message_limit
    if not 0 < limit < request.messages:
        return b""
    return response.no(command.tag, f"At most {limit} messages at once", messagelimit(limit))


async def _placed(
    session: ImapSession, call: Callable[[pb.CopyRequest], Awaitable[pb.CopyReply]], request: pb.CopyRequest
) -> pb.CopyReply:
    """Copy or move all of the messages or none.

    Raises ServiceError; the response to it is sent after the expunges that caused it.
    """
    try:
        with session.writing():
            reply = await call(request)
        note_version(session, request.target_account, reply.target_version)
        return reply
    except NotNow:
        await session.look_again()
        raise


async def copy(session: ImapSession, command: c.Copy) -> bytes:
    """Copy messages (RFC 3501 §6.4.7) and report COPYUID (RFC 4315)."""
    request = await _request(session, command)
    if refused := _over_limit(session, command, request):
        return refused
    reply = await _placed(session, session.backend.mailstore.copy, request)
    session.mailbox.watch.note(reply.version)
    if not reply.source.bounds:
        return done(command.tag, "COPY")
    return response.ok(
        command.tag, "COPY completed", copyuid(reply.uid_validity, numbers(reply.source), numbers(reply.target))
    )


async def move(session: ImapSession, command: c.Move) -> bytes:
    """Move messages (RFC 6851, RFC 9051 §6.4.8).

    The client learns where they are before it learns that they are gone: COPYUID, EXISTS for those that moved into the
    selected mailbox itself, EXPUNGE or VANISHED.
    """
    if session.mailbox.read_only:
        return response.no(command.tag, READ_ONLY_TEXT, Code.READ_ONLY)
    request = await _request(session, command)
    if refused := _over_limit(session, command, request):
        return refused
    reply = await _placed(session, session.backend.mailstore.move, request)
    session.mailbox.watch.note(reply.version)
    if not reply.source.bounds:
        return done(command.tag, "MOVE")
    code = copyuid(reply.uid_validity, numbers(reply.source), numbers(reply.target))
    session.channel.write(response.ok(response.UNTAGGED, "Moved", code))
    is_reported = await report_removal(session, exists_first=True)
    if reply.reason:  # RFC 6851 §3.3: it may end in the middle, when some messages have moved and the others have not
        return response.no(command.tag, f"Some messages have not moved: {reply.text}", reason_code(reply.reason))
    highest = highestmodseq(reply.version) if session.qresync and is_reported else None
    return response.ok(command.tag, "MOVE completed", highest)
