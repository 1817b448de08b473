"""Carries out the commands of a session and writes the responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from services.access.pop3 import log_in, maildrop, messages
from services.access.pop3.capabilities import LANGUAGES, offered
from services.access.pop3.session import PopSession
from services.access.session.channel import SessionEnded
from shared.grpc.errors import NotFound, ServiceError, TimedOut, Unavailable
from shared.protocol.pop3 import commands as c
from shared.protocol.pop3 import response
from shared.protocol.pop3.framing import PopEvent, PopLine, PopLineTooLong
from shared.protocol.pop3.maildrop import NotInMaildrop

log = structlog.get_logger("access")
_Handlers = Mapping[type[Any], Callable[[PopSession, Any], Awaitable[bytes]]]


async def capability(session: PopSession, _command: c.PopCapabilities) -> bytes:
    """List the capabilities (RFC 2449 §5)."""
    return response.ok("These are the capabilities") + response.lines(offered(session))


async def language(_session: PopSession, command: c.ChooseLanguage) -> bytes:
    """List the languages, or choose one (RFC 6856 §3). The texts are English."""
    if not command.tag:
        listed = (f"{tag} {name}" for tag, name in LANGUAGES.items())
        return response.ok("These are the languages") + response.lines(listed)
    tag = command.tag.lower()
    chosen = "en" if tag == "*" or tag.startswith("en-") else tag
    if chosen not in LANGUAGES:
        return response.error("There is no such language")
    return response.ok(f"{chosen} The language is chosen")


async def utf8(_session: PopSession, _command: c.UseUtf8) -> bytes:
    """The client reads UTF-8 in headers and texts (RFC 6856 §2); messages are sent as they are in any case."""
    return response.ok("UTF-8 may be sent")


async def noop(_session: PopSession, _command: c.PopNoop) -> bytes:
    return response.ok()


_ALWAYS: _Handlers = {
    c.PopCapabilities: capability,
    c.ChooseLanguage: language,
    c.PopQuit: maildrop.quit_session,
}
_BEFORE_LOG_IN: _Handlers = {
    c.PopStartTls: log_in.start_tls,
    c.UserName: log_in.user,
    c.PassPhrase: log_in.password,
    c.PopAuthenticate: log_in.authenticate,
    c.UseUtf8: utf8,
    **_ALWAYS,
}
"""The AUTHORIZATION state (RFC 1939 §4)."""
_LOGGED_IN: _Handlers = {
    c.PopNoop: noop,
    c.MaildropStatus: maildrop.status,
    c.ListSizes: maildrop.sizes,
    c.ListUniqueIds: maildrop.unique_ids,
    c.DeleteMessage: maildrop.delete,
    c.ResetDeletions: maildrop.reset,
    c.RetrieveMessage: messages.retrieve,
    c.TopOfMessage: messages.top,
    **_ALWAYS,
}
"""The TRANSACTION state (RFC 1939 §5)."""


async def dispatch(session: PopSession, event: PopEvent) -> None:
    """Carry out a line. Raises SessionEnded."""
    match event:
        case PopLine(octets):
            session.channel.write(await _answer(session, octets))
        case PopLineTooLong():
            session.channel.write(response.error("the line is too long"))
        case _:
            raise SessionEnded("The line has no end")
    await session.channel.spill()


async def _answer(session: PopSession, line: bytes) -> bytes:
    name = "unknown"
    try:
        command = c.parse_pop(line)
        name = type(command).__name__
        handler = (_LOGGED_IN if session.is_logged_in else _BEFORE_LOG_IN).get(type(command))
        if handler is None:
            return response.error("You are logged in already" if session.is_logged_in else "Log in first")
        return await handler(session, command)
    except (c.PopSyntaxError, NotInMaildrop) as refusal:
        return response.error(str(refusal))
    except ServiceError as error:
        return _refusal(error)
    except (SessionEnded, ConnectionError, TimeoutError):
        raise
    except Exception as error:
        log.error("access.command_failed", session=session.id, command=name, exc_info=error)
        return response.error("Something is wrong in the server; its log says what", "SYS/PERM")


def _refusal(error: ServiceError) -> bytes:
    """The answer to a refusal of another service (RFC 3206 §4)."""
    if isinstance(error, Unavailable | TimedOut):
        return response.error("The server cannot do this now; try again", "SYS/TEMP")
    if isinstance(error, NotFound):
        return response.error(error.message)
    return response.error("Something is wrong in the server; its log says what", "SYS/PERM")
