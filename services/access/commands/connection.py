"""CAPABILITY, NOOP, CHECK, ID, ENABLE, LOGOUT, STARTTLS, COMPRESS, UNAUTHENTICATE."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.session.channel import SessionEnded
from services.access.session.session import ImapSession
from shared.protocol.imap import capability as capabilities
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.connection_commands import Compress, UnAuthenticate
from shared.protocol.imap.response_code import Code
from shared.protocol.imap.state import ImapState


def offered(session: ImapSession) -> tuple[str, ...]:
    """The capabilities in the session's present state, without those that are withheld from its client."""
    return session.backend.withholding.left(_possible(session), session.client, session.owner)


def _possible(session: ImapSession) -> tuple[str, ...]:
    if session.state is ImapState.NOT_AUTHENTICATED:
        return capabilities.before_login(session.is_secure, session.mechanisms)
    script_server = session.backend.script_server
    of_scripts = (f"IMAPSIEVE={script_server}",) if script_server else ()  # RFC 6785
    compression = () if session.channel.is_compressed else (capabilities.COMPRESSION,)
    extensions = (*capabilities.AFTER_LOGIN, *compression, *of_scripts, *_chosen(session))
    return capabilities.after_login(session.backend.settings.append_limit, extensions)


def _chosen(session: ImapSession) -> tuple[str, ...]:
    """What is off by default, because some clients do not get along with it."""
    settings = session.backend.settings
    limit = (f"MESSAGELIMIT={settings.message_limit}",) if settings.message_limit else ()
    return (*limit, "UIDONLY") if settings.uid_only else limit


async def capability(session: ImapSession, command: c.Capability) -> bytes:
    session.channel.write(response.capability(offered(session)))
    return done(command.tag, "CAPABILITY")


async def noop(session: ImapSession, command: c.Noop) -> bytes:
    return done(command.tag, "NOOP")


async def check(session: ImapSession, command: c.Check) -> bytes:
    return done(command.tag, "CHECK")  # nothing to do: every write is durable before its answer


async def identify(session: ImapSession, command: c.Id) -> bytes:
    """Note what the client says of itself; other capabilities than before are sent unasked (RFC 3501 §7.2.1)."""
    before = offered(session)
    session.client = {name.lower(): value for name, value in command.fields if value is not None}
    session.channel.write(response.id_({"name": "Mailfold"}))
    if (after := offered(session)) != before:
        session.channel.write(response.capability(after))
    return done(command.tag, "ID")


async def enable(session: ImapSession, command: c.Enable) -> bytes:
    """Enable extensions (RFC 5161); QRESYNC includes CONDSTORE (RFC 7162 §3.2.3)."""
    asked = capabilities.to_enable(command.capabilities, offered(session))
    session.qresync = session.qresync or "QRESYNC" in asked
    session.utf8_accept = session.utf8_accept or "UTF8=ACCEPT" in asked
    session.rev2 = session.rev2 or "IMAP4rev2" in asked
    if session.rev2 and session.selected is not None:
        session.selected.forget_recent()
    session.uid_only = session.uid_only or "UIDONLY" in asked
    if session.selected is not None:
        session.selected.uid_only = session.uid_only
    if "METADATA" in asked and session.metadata_version is None:
        session.metadata_version = session.watch.version
    session.channel.write(response.enabled(asked))
    if not {"CONDSTORE", "QRESYNC"}.isdisjoint(asked):
        session.enable_condstore()
    return done(command.tag, "ENABLE")


async def logout(session: ImapSession, command: c.Logout) -> bytes:
    session.state = ImapState.LOGOUT
    session.channel.write(response.bye("Logging out") + done(command.tag, "LOGOUT"))
    raise SessionEnded


async def starttls(session: ImapSession, command: c.StartTls) -> bytes:
    """Begin TLS (RFC 3501 §6.2.1).

    What a client, or somebody between it and the server, has sent behind the command is never carried out: it would
    seem to be the client's own words under TLS.
    """
    if session.channel.drop_input():
        raise SessionEnded("Nothing may follow STARTTLS before TLS is active")
    session.afterwards = session.begin_tls
    return response.ok(command.tag, "Begin TLS")


async def compress(session: ImapSession, command: Compress) -> bytes:
    """Compress the connection from the end of the tagged response on (RFC 4978 §3)."""
    if command.mechanism != "DEFLATE":
        return response.bad(command.tag, "Only DEFLATE is known")
    if session.channel.is_compressed:
        return response.no(command.tag, "DEFLATE is active already", Code.COMPRESSIONACTIVE)
    session.afterwards = session.channel.begin_compression
    return response.ok(command.tag, "DEFLATE is active")


async def unauthenticate(session: ImapSession, command: UnAuthenticate) -> bytes:
    """End the log-in and keep the connection (RFC 8437)."""
    await session.unauthenticate()
    return response.ok(command.tag, "Logged out; the connection stays")
