"""What APPEND and REPLACE have in common: the messages are received, and a refusal waits for the client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from services.access.commands.append_room import AppendRoom, Bodies, IntakeRefused
from services.access.commands.append_stream import AppendStream
from services.access.commands.message_intake import MessageIntake, PartLimit
from services.access.session.channel import SessionEnded
from services.access.session.owned_name import OwnedName
from services.access.session.refusals import UNFORESEEN, refusal_code, refusal_text
from services.access.session.session import ImapSession
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.imap import response
from shared.protocol.imap.append_pieces import MessageStart
from shared.protocol.imap.commands import Append
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import RefusedFrame
from shared.protocol.imap.replace_command import Replace
from shared.protocol.imap.response_code import Code, messagelimit
from shared.protocol.imap.state import is_allowed
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

log = structlog.get_logger("access")
Work = Callable[[ImapSession, AppendStream, Bodies], Awaitable[bytes]]


async def carry_out(session: ImapSession, stream: AppendStream, work: Work) -> bytes:
    """Carry out a command that brings messages; returns the tagged response. Raises SessionEnded.

    After a failure in the middle of a message the rest of the command is read, and the session goes on.
    """
    tag = stream.command.tag
    async with Bodies(session.backend.blobs) as bodies:
        try:
            if not is_allowed(stream.command, session.state):
                raise IntakeRefused(f"{type(stream.command).__name__.upper()} is not allowed now", condition="BAD")
            return await work(session, stream, bodies)
        except ImapSyntaxError as error:
            refused = IntakeRefused(error.text, error.code, error.condition)
        except IntakeRefused as error:
            refused = error
        except ServiceError as error:
            refused = IntakeRefused(refusal_text(error), refusal_code(error) or b"")
        except (SessionEnded, ConnectionError, TimeoutError):
            raise
        except Exception as error:
            name = type(stream.command).__name__
            log.error("access.command_failed", session=session.id, command=name, exc_info=error)
            refused = IntakeRefused(UNFORESEEN, Code.SERVERBUG)
        if stream.is_complete:
            return response.refusal(tag, refused.condition, refused.text, refused.code)
        return await refuse_literal(session, refused)


async def refuse_literal(session: ImapSession, refused: IntakeRefused) -> bytes:
    """Refuse a command whose literal is announced.

    The framer waits for the client to be ready, and skips what the client sends until then.
    """
    code = refused.code.value if isinstance(refused.code, Code) else refused.code
    session.channel.framer.refuse(refused.condition, code, refused.text)
    event = await session.channel.event()
    if isinstance(event, RefusedFrame) and event.condition != "BYE":
        return response.refused(event)
    raise SessionEnded(refused.text)


async def target_of(session: ImapSession, command: Append | Replace) -> OwnedName:
    """Where the messages go, asked before the client sends a large one. Raises IntakeRefused."""
    try:
        place = await session.place(command.mailbox)
        mailbox = await session.permitted(command.mailbox, "i")
    except NotFound:
        mailbox = None
    except ServiceError as error:
        raise IntakeRefused(error.message, refusal_code(error) or b"") from error
    if mailbox is None:
        raise IntakeRefused("There is no such mailbox", Code.TRYCREATE)
    return place


def note_version(session: ImapSession, account: str, version: int) -> None:
    """Note the version of an own write, for the watches of the session that concern the account."""
    watches = [session.watch] if session.selected is None else [session.watch, session.selected.watch]
    for watch in watches:
        if watch.account == account:
            watch.note(version)


async def take_messages(
    session: ImapSession, stream: AppendStream, room: AppendRoom, bodies: Bodies
) -> list[pb.AppendMessage]:
    """Receive the messages into the blob store. Raises IntakeRefused, ImapSyntaxError, SessionEnded."""
    messages: list[pb.AppendMessage] = []
    settings = session.backend.settings
    parts = PartLimit(settings.catenate_parts)
    while (piece := await stream.next()) is not None:
        if not isinstance(piece, MessageStart):
            raise SessionEnded("Out of step")
        if 0 < settings.message_limit <= len(messages):  # RFC 9738
            raise IntakeRefused("One APPEND brings fewer messages", messagelimit(settings.message_limit))
        if len(messages) >= settings.append_messages:
            raise IntakeRefused(f"One APPEND brings at most {settings.append_messages} messages", Code.LIMIT)
        message, body = await MessageIntake(session, piece, stream, room, parts).take()
        bodies.add(body)
        messages.append(message)
    return messages
