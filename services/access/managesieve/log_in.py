"""STARTTLS, AUTHENTICATE and UNAUTHENTICATE."""

from __future__ import annotations

from services.access.managesieve.capabilities import offered
from services.access.managesieve.session import ManageSieveSession
from services.access.session.channel import SessionEnded
from services.access.session.log_in import (
    AllowedLogIn,
    LogInRefusal,
    MechanismAsked,
    RefusedLogIn,
    authenticated,
    entered,
)
from shared.protocol.managesieve import commands as c
from shared.protocol.managesieve import response
from shared.protocol.managesieve.frame_event import LostStream, ReceivedString, RefusedInput
from shared.protocol.sasl.outcome import Challenge, SaslError

_TOO_WEAK = frozenset({"ANONYMOUS", "CRAM-MD5", "DIGEST-MD5", "NTLM"})
_CODES = {
    LogInRefusal.TOO_MANY_REFUSALS: b"TRYLATER",
    LogInRefusal.NOT_CHECKED: b"TRYLATER",
    LogInRefusal.TOO_MANY_SESSIONS: b"TRYLATER",
}


class _NoResponse(Exception):
    """The client sent something else than a response of the exchange."""


async def start_tls(session: ManageSieveSession, _command: c.StartTls) -> bytes:
    """Begin TLS; the capabilities follow unasked (RFC 5804 §2.2).

    What a client, or somebody between it and the server, has sent behind the command is never carried out: it would
    seem to be the client's own words under TLS.
    """
    if session.is_secure:
        return response.no("TLS is active already")
    if session.drop_input():
        raise SessionEnded("Nothing may follow STARTTLS before TLS is active")
    session.channel.write(response.ok("Begin TLS"))
    await session.begin_tls()
    return response.capabilities(offered(session)) + response.ok("TLS is active")


async def authenticate(session: ManageSieveSession, command: c.BeginLogIn) -> bytes:
    """Log in (RFC 5804 §2.1)."""
    if session.account:
        return response.no("You are logged in already")
    if command.mechanism in _TOO_WEAK:
        return response.no("This mechanism is too weak", b"AUTH-TOO-WEAK")
    if command.mechanism not in session.mechanisms:
        return response.no("This mechanism is not offered")
    if not session.is_secure:
        return response.no("Passwords are taken under TLS alone; begin with STARTTLS", b"ENCRYPT-NEEDED")
    asked = MechanismAsked(command.mechanism, command.initial, lambda challenge: _answer_to(session, challenge))
    try:
        allowed = await authenticated(session.dependencies.log_ins, session, "managesieve", asked)
    except _NoResponse as error:
        return response.no(str(error))
    if isinstance(allowed, SaslError):
        return response.no(f"AUTHENTICATE failed: {allowed.failure.value}")
    return await _admit(session, allowed)


async def unauthenticate(session: ManageSieveSession, _command: c.Unauthenticate) -> bytes:
    """End the log-in and keep the connection (RFC 5804 §2.14)."""
    await session.leave()
    session.forget_log_in()
    return response.ok("Logged out; the connection stays")


async def _answer_to(session: ManageSieveSession, challenge: Challenge) -> bytes:
    """The client's answer to a challenge. Raises _NoResponse, SessionEnded."""
    session.channel.framer.expect_string()
    session.channel.write(response.challenge(challenge.encode()))
    match await session.channel.event():
        case ReceivedString(octets):
            return octets
        case RefusedInput(text, _):
            raise _NoResponse(text)
        case LostStream(text):
            raise SessionEnded(text)
    raise SessionEnded("Out of step")


async def _admit(session: ManageSieveSession, allowed: AllowedLogIn | RefusedLogIn) -> bytes:
    if isinstance(allowed, AllowedLogIn):
        await entered(session, allowed.log_in)
        session.admitted(allowed.address)
        return response.ok("Logged in")
    answer = response.no(allowed.text, _CODES.get(allowed.reason, b""))
    if allowed.is_last:
        session.channel.write(answer)
        raise SessionEnded("Too many log-ins were refused")
    return answer
