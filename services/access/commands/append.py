"""APPEND: each message is streamed into a blob and scanned; then one command stores all of them in the mailbox."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.commands.append_intake import (
    carry_out,
    note_version,
    refuse_literal,
    take_messages,
    target_of,
)
from services.access.commands.append_room import AppendRoom, Bodies, IntakeRefused
from services.access.commands.append_stream import AppendStream
from services.access.commands.replace import replace_with
from services.access.session.owned_name import OwnedName
from services.access.session.refusals import refusal_code
from services.access.session.session import ImapSession
from shared.grpc.errors import ServiceError
from shared.protocol.imap import response
from shared.protocol.imap.commands import Append
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import AppendLiteral
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.parse.command import parse_append
from shared.protocol.imap.replace_command import Replace
from shared.protocol.imap.response_code import Code, appenduid
from shared.protocol.imap.state import needs_numbers
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def append_literal(session: ImapSession, first: AppendLiteral) -> bytes:
    """Carry out an APPEND or REPLACE whose first literal is announced. Returns the tagged response.

    Raises SessionEnded.
    """
    try:
        command = parse_append(first.head, session.utf8)
    except ImapSyntaxError as error:
        return await refuse_literal(session, IntakeRefused(error.text, error.code, error.condition))
    if session.uid_only and needs_numbers(command):
        return await refuse_literal(session, IntakeRefused("UIDONLY is enabled", Code.UIDREQUIRED, "BAD"))
    stream = AppendStream(session, command, first)
    work = replace_with if isinstance(command, Replace) else _append
    return await carry_out(session, stream, work)


async def append(session: ImapSession, command: Append) -> bytes:
    """Carry out an APPEND without literals, whose messages are put together from URLs (RFC 4469)."""
    return await carry_out(session, AppendStream(session, command, None), _append)


async def _append(session: ImapSession, stream: AppendStream, bodies: Bodies) -> bytes:
    """APPEND, with all messages or none (RFC 3501 §6.3.11, RFC 3502). Raises IntakeRefused, ImapSyntaxError."""
    place = await target_of(session, stream.command)
    room = await _room(session, place)
    messages = await take_messages(session, stream, room, bodies)
    return await _store(session, stream.command.tag, place, messages, bodies)


async def _room(session: ImapSession, place: OwnedName) -> AppendRoom:
    try:
        return await AppendRoom.of(session, place.account)
    except ServiceError as error:
        raise IntakeRefused(error.message, refusal_code(error) or b"") from error


async def _store(
    session: ImapSession, tag: bytes, place: OwnedName, messages: list[pb.AppendMessage], bodies: Bodies
) -> bytes:
    request = pb.AppendRequest(account=place.account, mailbox=place.name, messages=messages)
    with session.writing():
        reply = await bodies.stored(session.backend.mailstore.append(request))
    note_version(session, place.account, reply.version)
    if not reply.uids:  # into All Mail, or RFC 4315 §3: who may not read the mailbox learns no UID
        return done(tag, "APPEND")
    return response.ok(tag, "APPEND completed", appenduid(reply.uid_validity, NumberSet.of_numbers(reply.uids)))
