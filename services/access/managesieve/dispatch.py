"""Carries out the commands of a session and writes the responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.access.managesieve import log_in, scripts
from services.access.managesieve.capabilities import offered
from services.access.managesieve.refusals import BROKEN, refusal
from services.access.managesieve.session import ManageSieveSession
from services.access.session.channel import SessionEnded
from shared.grpc.errors import ServiceError
from shared.protocol.managesieve import commands as c
from shared.protocol.managesieve import response
from shared.protocol.managesieve.frame_event import LostStream, ManageSieveEvent, ReceivedCommand, RefusedInput

log = structlog.get_logger("access")


async def capability(session: ManageSieveSession, _command: c.ListCapabilities) -> bytes:
    return response.capabilities(offered(session)) + response.ok("These are the capabilities")


async def noop(session: ManageSieveSession, command: c.Noop) -> bytes:
    return response.ok("Done", response.tag_code(command.tag) if command.tag is not None else b"")


async def logout(session: ManageSieveSession, _command: c.EndSession) -> bytes:
    session.channel.write(response.ok("Goodbye"))
    raise SessionEnded


_ALWAYS: dict[type[Any], Callable[[ManageSieveSession, Any], Awaitable[bytes]]] = {
    c.ListCapabilities: capability,
    c.Noop: noop,
    c.EndSession: logout,
    c.StartTls: log_in.start_tls,
    c.BeginLogIn: log_in.authenticate,
}
"""The commands that need no log-in (RFC 5804 §2)."""
_LOGGED_IN: dict[type[Any], Callable[[ManageSieveSession, Any], Awaitable[bytes]]] = {
    c.HaveSpace: scripts.have_space,
    c.PutScript: scripts.put,
    c.ListScripts: scripts.list_scripts,
    c.SetActive: scripts.set_active,
    c.GetScript: scripts.get,
    c.DeleteScript: scripts.delete,
    c.RenameScript: scripts.rename,
    c.CheckScript: scripts.check,
    c.Unauthenticate: log_in.unauthenticate,
}


async def dispatch(session: ManageSieveSession, event: ManageSieveEvent) -> None:
    """Carry out a frame from the framer. Raises SessionEnded."""
    match event:
        case ReceivedCommand():
            session.channel.write(await _answer(session, event))
        case RefusedInput(text, code):
            session.channel.write(response.no(text, code))
        case LostStream(text):
            raise SessionEnded(text)
        case _:
            raise SessionEnded("Out of step")
    await session.channel.spill()


async def _answer(session: ManageSieveSession, received: ReceivedCommand) -> bytes:
    try:
        command = c.parse_managesieve(received)
    except c.CommandRefused as error:
        return response.no(str(error))
    handler = _ALWAYS.get(type(command)) or (_LOGGED_IN[type(command)] if session.account else None)
    if handler is None:
        return response.no("Log in first")
    try:
        return await handler(session, command)
    except ServiceError as error:
        return refusal(error)
    except (SessionEnded, ConnectionError, TimeoutError):
        raise
    except Exception as error:
        log.error("access.command_failed", session=session.id, command=received.name, exc_info=error)
        return response.no(BROKEN)
