"""REPLACE (RFC 8508): one commit stores the new message and removes the old one."""

from __future__ import annotations

from services.access.adapters.mailstore import spans
from services.access.commands.answer import READ_ONLY_TEXT
from services.access.commands.append_intake import carry_out, note_version, take_messages, target_of
from services.access.commands.append_room import AppendRoom, Bodies, IntakeRefused
from services.access.commands.append_stream import AppendStream
from services.access.session.owned_name import OwnedName
from services.access.session.refusals import refusal_code
from services.access.session.session import ImapSession
from services.access.session.sync import report_removal
from shared.grpc.errors import ServiceError
from shared.protocol.imap import response
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.replace_command import Replace
from shared.protocol.imap.response_code import Code, appenduid, highestmodseq
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def replace_with(session: ImapSession, stream: AppendStream, bodies: Bodies) -> bytes:
    """Carry out REPLACE. Raises IntakeRefused, ImapSyntaxError, ServiceError, SessionEnded."""
    command = stream.command
    assert isinstance(command, Replace)
    uid = _uid(session, command)
    place = await target_of(session, command)
    room = await _room(session, uid, place)
    messages = await take_messages(session, stream, room, bodies)
    reply = await _store(session, place, uid, messages[0], bodies)
    session.mailbox.watch.note(reply.version)
    note_version(session, place.account, reply.target_version)
    # RFC 8508 §4.3: the client learns of the new message before it learns that the old one is gone.
    if reply.uids:  # RFC 4315 §3: who may not read the target learns no UID
        code = appenduid(reply.uid_validity, NumberSet.of_numbers(reply.uids))
        session.channel.write(response.ok(response.UNTAGGED, "Replacement message is stored", code))
    is_reported = await report_removal(session, exists_first=True)
    highest = highestmodseq(reply.version) if session.qresync and is_reported else None
    return response.ok(command.tag, "REPLACE completed", highest)


async def replace(session: ImapSession, command: Replace) -> bytes:
    """Carry out a REPLACE without literals, whose message is put together from URLs (RFC 4469)."""
    return await carry_out(session, AppendStream(session, command, None), replace_with)


def _uid(session: ImapSession, command: Replace) -> int:
    """The UID of the message in the view. Raises IntakeRefused."""
    mailbox = session.mailbox
    if mailbox.read_only:
        raise IntakeRefused(READ_ONLY_TEXT, Code.READ_ONLY)
    if command.number is None:
        uid = mailbox.runs.largest
    elif command.uid:
        uid = command.number if mailbox.runs.sequence_of(command.number) else 0
    else:
        uid = mailbox.runs.uid_at(command.number)
    if uid:
        return uid
    if command.uid:
        raise IntakeRefused("There is no message with this UID", Code.NONEXISTENT)
    raise IntakeRefused("There is no message with this number", condition="BAD")


async def _room(session: ImapSession, uid: int, place: OwnedName) -> AppendRoom:
    """The room, asked before the client sends a large message. Raises IntakeRefused."""
    try:
        size = await _size(session, uid)
        if size is None:
            raise IntakeRefused("The message is gone", Code.EXPUNGEISSUED)
        return await AppendRoom.of(session, place.account, size if place.account == session.mailbox.account else None)
    except ServiceError as error:
        raise IntakeRefused(error.message, refusal_code(error) or b"") from error


async def _size(session: ImapSession, uid: int) -> int | None:
    mailbox = session.mailbox
    uids = spans(NumberSet(((uid, uid),)))
    request = pb.FetchRequest(account=mailbox.account, mailbox=mailbox.id, uids=uids, size=True)
    async for batch in session.backend.mailstore.fetch(request):
        for attributes in batch.attributes:
            return int(attributes.rpartition(b" ")[2])
    await session.look_again()
    return None


async def _store(
    session: ImapSession, place: OwnedName, uid: int, message: pb.AppendMessage, bodies: Bodies
) -> pb.AppendReply:
    mailbox = session.mailbox
    request = pb.ReplaceRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        uid=uid,
        target=place.name,
        message=message,
        target_account=place.account if place.account != mailbox.account else "",
    )
    with session.writing():
        return await bodies.stored(session.backend.mailstore.replace(request))
