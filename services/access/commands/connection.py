"""CAPABILITY, NOOP, CHECK, ID, ENABLE, LOGOUT, STARTTLS."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.session.channel import SessionEnded
from services.access.session.log_in import MECHANISMS
from services.access.session.session import ImapSession
from shared.protocol.imap import capability as capabilities
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.state import ImapState


def offered(session: ImapSession) -> tuple[str, ...]:
    """The capabilities in the session's present state."""
    if session.state is ImapState.NOT_AUTHENTICATED:
        return capabilities.before_login(secure=True, mechanisms=MECHANISMS)
    script_server = session.backend.script_server
    of_scripts = (f"IMAPSIEVE={script_server}",) if script_server else ()  # RFC 6785
    return capabilities.after_login(session.backend.settings.append_limit, (*capabilities.AFTER_LOGIN, *of_scripts))


async def capability(session: ImapSession, command: c.Capability) -> bytes:
    session.channel.write(response.capability(offered(session)))
    return done(command.tag, "CAPABILITY")


async def noop(session: ImapSession, command: c.Noop) -> bytes:
    return done(command.tag, "NOOP")


async def check(session: ImapSession, command: c.Check) -> bytes:
    return done(command.tag, "CHECK")  # nothing to do: every write is durable before its answer


async def identify(session: ImapSession, command: c.Id) -> bytes:
    session.channel.write(response.id_({"name": "Mailfold"}))
    return done(command.tag, "ID")


async def enable(session: ImapSession, command: c.Enable) -> bytes:
    """Enable extensions (RFC 5161); QRESYNC includes CONDSTORE (RFC 7162 §3.2.3)."""
    states = (
        ("CONDSTORE", session.condstore),
        ("QRESYNC", session.qresync),
        ("METADATA", session.metadata_version is not None),
    )
    active = frozenset(name for name, on in states if on)
    fresh = capabilities.newly_enabled(command.capabilities, active)
    session.qresync = session.qresync or "QRESYNC" in fresh
    if "METADATA" in fresh:
        session.metadata_version = session.watch.version
    session.channel.write(response.enabled(fresh))
    if not {"CONDSTORE", "QRESYNC"}.isdisjoint(fresh):
        session.enable_condstore()
    return done(command.tag, "ENABLE")


async def logout(session: ImapSession, command: c.Logout) -> bytes:
    session.state = ImapState.LOGOUT
    session.channel.write(response.bye("Logging out") + done(command.tag, "LOGOUT"))
    raise SessionEnded


async def starttls(session: ImapSession, command: c.StartTls) -> bytes:
    return response.bad(command.tag, "TLS is active already")
