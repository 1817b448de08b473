"""APPEND: each message is streamed into a blob and scanned; then one command stores all of them in the mailbox."""

from __future__ import annotations

from services.access.commands.append_room import AppendRoom, Bodies
from services.access.commands.message_intake import AppendIntake, IntakeRefused
from services.access.session.channel import SessionEnded
from services.access.session.refusals import refusal, refusal_code
from services.access.session.session import ImapSession
from shared.grpc.errors import Denied, Invalid, LimitReached, NotFound, ServiceError
from shared.protocol.imap import response
from shared.protocol.imap.commands import Append, AppendMessage
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import AppendEnd, AppendLiteral, RefusedFrame
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.parse.command import parse_append, parse_append_message
from shared.protocol.imap.response_code import Code, appenduid
from shared.protocol.imap.state import is_allowed
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_NOTHING_DONE = (Denied, Invalid, LimitReached, NotFound)
"""Refusals after which certainly no message refers to the bodies."""


async def append(session: ImapSession, first: AppendLiteral) -> bytes:
    """Carry out APPEND, with all messages or none (RFC 3501 §6.3.11, RFC 3502).

    Returns the tagged response. Raises SessionEnded.
    """
    async with Bodies(session.backend.blobs) as bodies:
        try:
            command = parse_append(first.head)
            room = await _check(session, command)
            messages, tail = await _take(session, command, first, room, bodies)
        except ImapSyntaxError as error:
            return await _refuse(session, IntakeRefused(error.text, error.code, error.condition))
        except IntakeRefused as refused:
            return await _refuse(session, refused)
        if tail:
            return response.bad(command.tag, "Unexpected text after the message")
        try:
            return await _store(session, command, messages, bodies)
        except ServiceError as error:
            return refusal(command.tag, error)


async def _check(session: ImapSession, command: Append) -> AppendRoom:
    """Check the command before the client sends a large message. Raises IntakeRefused."""
    if not is_allowed(command, session.state):
        raise IntakeRefused("APPEND is not allowed now", condition="BAD")
    try:
        mailbox = await session.find_mailbox(command.mailbox)
        room = await AppendRoom.of(session)
    except ServiceError as error:
        raise IntakeRefused(error.message, refusal_code(error) or b"") from error
    if mailbox is None:
        raise IntakeRefused("There is no such mailbox", Code.TRYCREATE)
    return room


async def _take(
    session: ImapSession, command: Append, first: AppendLiteral, room: AppendRoom, bodies: Bodies
) -> tuple[list[pb.AppendMessage], bytes]:
    """Receive the messages into the blob store; returns them and what followed the last.

    Raises IntakeRefused, ImapSyntaxError, SessionEnded.
    """
    messages: list[pb.AppendMessage] = []
    announced, options = first, command.message
    while True:
        room.check(announced.size)
        message, body = await AppendIntake(session, options).take(announced)
        room.take(announced.size)
        bodies.add(body)
        messages.append(message)
        event = await session.channel.event()
        if isinstance(event, AppendEnd):
            return messages, event.tail
        if not isinstance(event, AppendLiteral):
            raise SessionEnded("Out of step")
        announced, options = event, _further(session, event, command.tag, len(messages))


def _further(session: ImapSession, event: AppendLiteral, tag: bytes, taken: int) -> AppendMessage:
    if taken >= session.backend.settings.append_messages:
        raise IntakeRefused(f"One APPEND brings at most {taken} messages", Code.LIMIT)
    return parse_append_message(event.head, tag)


async def _store(session: ImapSession, command: Append, messages: list[pb.AppendMessage], bodies: Bodies) -> bytes:
    try:
        place = await session.place(command.mailbox)
        request = pb.AppendRequest(account=place.account, mailbox=place.name, messages=messages)
        with session.writing():
            reply = await session.backend.mailstore.append(request)
    except _NOTHING_DONE:
        raise
    except BaseException:
        bodies.keep()  # it is not known whether the messages were stored
        raise
    bodies.keep()
    session.watch.note(reply.version)
    return response.ok(command.tag, "APPEND completed", appenduid(reply.uid_validity, NumberSet.of_numbers(reply.uids)))


async def _refuse(session: ImapSession, refused: IntakeRefused) -> bytes:
    """Refuse the APPEND. The framer waits for the client to be ready, and skips what the client sends until then."""
    code = refused.code.value if isinstance(refused.code, Code) else refused.code
    session.channel.framer.refuse(refused.condition, code, refused.text)
    event = await session.channel.event()
    if isinstance(event, RefusedFrame) and event.condition != "BYE":
        return response.refused(event)
    raise SessionEnded(refused.text)
