"""Carries out framed commands and sends the tagged responses."""

from __future__ import annotations

import contextlib

import structlog

from services.access.commands.append import append_literal
from services.access.commands.table import HANDLERS
from services.access.session.channel import SessionEnded
from services.access.session.progress import Progress
from services.access.session.refusals import UNFORESEEN, refusal
from services.access.session.selected import NoSuchMessage
from services.access.session.session import ImapSession
from services.access.session.sync import sync
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.any_command import AnyCommand
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import AppendLiteral, CommandReceived, FrameEvent, NeedContinuation, RefusedFrame
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ordering_commands import Sort, Thread
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.response_code import Code, highestmodseq
from shared.protocol.imap.state import forbids_expunge, is_allowed, needs_numbers, refusal_of_tls

log = structlog.get_logger("access")
_LONG = (
    *(c.Search, Sort, Thread, MultiSearch),
    *(c.Copy, c.Move, c.Store, c.Expunge, c.Close, c.Delete, c.Rename),
)
"""The commands whose progress is reported: they write whole lines, or whole responses by `write_all`."""
_GONE = "The selected mailbox is gone"


async def dispatch(session: ImapSession, event: FrameEvent) -> None:
    """Carry out a frame from the framer. Raises SessionEnded."""
    match event:
        case CommandReceived(data):
            await _command(session, data)
        case NeedContinuation():
            session.channel.write(response.continuation())
        case AppendLiteral():
            answer = await append_literal(session, event)
            await _sync(session, answer, expunge=True, unasked=True)
            await _finish(session, answer)
        case RefusedFrame():
            session.channel.write(response.refused(event))
            if event.condition == "BYE":
                raise SessionEnded
        case _:
            raise SessionEnded("Out of step")


async def _command(session: ImapSession, data: bytes) -> None:
    try:
        command = parse_command(data, session.utf8)
    except ImapSyntaxError as error:
        if error.clears_saved:
            session.saved = NumberSet()
        session.channel.write(response.syntax_error(error))
        return
    if refused := _refused(session, command):
        session.channel.write(refused)
        return
    answer = await _carried_out(session, command)
    # the responses to SELECT describe one state, to which a client applies its cache
    if not isinstance(command, c.Select):
        unasked = not isinstance(command, c.Expunge | c.Move)
        await _sync(session, answer, expunge=not forbids_expunge(command), unasked=unasked)
    if isinstance(command, c.Search | Sort | Thread):
        answer = _with_expunge_issued(session, answer)
    await _finish(session, answer)


def _refused(session: ImapSession, command: AnyCommand) -> bytes:
    """The response to a command that may not be carried out now; empty when it may."""
    if not is_allowed(command, session.state):
        return response.bad(command.tag, f"{type(command).__name__.upper()} is not allowed now")
    if session.uid_only and needs_numbers(command):
        return response.bad(command.tag, "UIDONLY is enabled", Code.UIDREQUIRED)  # RFC 9586 §3
    if refused := refusal_of_tls(command, session.is_secure):
        code = None if session.is_secure else Code.PRIVACYREQUIRED
        return (response.no if code else response.bad)(command.tag, refused, code)
    return b""


async def _carried_out(session: ImapSession, command: AnyCommand) -> bytes:
    try:
        with _progress(session, command):
            return await HANDLERS[type(command)](session, command)
    except ServiceError as error:
        return refusal(command.tag, error)
    except NoSuchMessage:
        return response.bad(command.tag, "There is no message with this number")
    except (SessionEnded, ConnectionError, TimeoutError):
        raise
    except Exception as error:
        log.error("access.command_failed", session=session.id, command=type(command).__name__, exc_info=error)
        return response.no(command.tag, UNFORESEEN, Code.SERVERBUG)


def _progress(session: ImapSession, command: AnyCommand) -> contextlib.AbstractContextManager[object]:
    """Reports on a command that may take long."""
    if isinstance(command, _LONG):
        return Progress(session.channel, command.tag, session.backend.settings.progress_seconds)
    return contextlib.nullcontext()


async def _sync(session: ImapSession, answer: bytes, *, expunge: bool, unasked: bool) -> None:
    """Write the changes of the mailbox before the tagged response, so that the client knows them by then.

    Raises SessionEnded.
    """
    try:
        await sync(session, expunge=expunge, unasked=unasked)
    except NotFound:
        session.channel.write(answer)
        raise SessionEnded(_GONE) from None
    except ServiceError as error:
        log.debug("access.sync_later", session=session.id, error=str(error))


async def _finish(session: ImapSession, answer: bytes) -> None:
    await session.settle()
    session.channel.write(_with_highest_modseq(session, answer))
    if session.afterwards is not None:
        afterwards, session.afterwards = session.afterwards, None
        await afterwards()
    await session.channel.spill()


def _with_expunge_issued(session: ImapSession, answer: bytes) -> bytes:
    """Add EXPUNGEISSUED when the client still counts messages that the search could not find (RFC 5530 §3)."""
    if session.selected is None or not session.selected.withholds_expunges:
        return answer
    return response.with_code(answer, Code.EXPUNGEISSUED, "Some messages are gone")


def _with_highest_modseq(session: ImapSession, answer: bytes) -> bytes:
    """State the HIGHESTMODSEQ of what the client knows, where it would otherwise assume a higher one (RFC 7162 §6)."""
    modseq = session.selected.corrected_modseq() if session.selected is not None else 0
    if not modseq or not session.condstore:
        return answer
    return response.with_code(answer, highestmodseq(modseq), "Highest MODSEQ")
