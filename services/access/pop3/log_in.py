"""STLS, USER, PASS and AUTH."""

from __future__ import annotations

import msgspec

from services.access.pop3.session import PopSession
from services.access.session.channel import SessionEnded
from services.access.session.log_in import (
    AllowedLogIn,
    LogInRefusal,
    MechanismAsked,
    RefusedLogIn,
    authenticated,
    checked,
    entered,
)
from shared.protocol.pop3 import commands as c
from shared.protocol.pop3 import response
from shared.protocol.pop3.framing import PopLine, PopLineTooLong
from shared.protocol.sasl.mechanism import prepare_password, read_text
from shared.protocol.sasl.outcome import Challenge, Credentials, SaslError

_CODES = {
    LogInRefusal.WRONG: "AUTH",
    LogInRefusal.DISABLED: "AUTH",
    LogInRefusal.TOO_MANY_REFUSALS: "SYS/TEMP",
    LogInRefusal.NOT_CHECKED: "SYS/TEMP",
    LogInRefusal.TOO_MANY_SESSIONS: "IN-USE",
}
"""The response codes of refusals (RFC 2449 §8.1, RFC 3206 §4)."""
_IN_USE = "Another session has this maildrop open"
_IN_CLEAR = response.error("Passwords are taken under TLS alone; begin with STLS")


class _LineTooLong(Exception):
    """The client sent more than a response of the exchange may have."""


async def start_tls(session: PopSession, _command: c.PopStartTls) -> bytes:
    """Begin TLS (RFC 2595 §4).

    What a client, or somebody between it and the server, has sent behind the command is never carried out: it would
    seem to be the client's own words under TLS.
    """
    if session.is_secure:
        return response.error("TLS is active already")
    if session.drop_input():
        raise SessionEnded("Nothing may follow STLS before TLS is active")
    session.channel.write(response.ok("Begin TLS"))
    await session.begin_tls()
    return b""


async def user(session: PopSession, command: c.UserName) -> bytes:
    """Take the name of a log-in. The answer is the same for every name (RFC 1939 §7)."""
    if not session.is_secure:
        return _IN_CLEAR
    session.user = command.name
    return response.ok("Send the password")


async def password(session: PopSession, command: c.PassPhrase) -> bytes:
    """Log in with the name that USER gave. A further attempt begins with USER (RFC 1939 §7)."""
    if not session.is_secure:
        return _IN_CLEAR
    given, session.user = session.user, None
    if given is None:
        return response.error("Send USER first")
    name, text = read_text(given), read_text(command.password)
    if name is None or text is None:
        return response.error("The name or the password is not UTF-8, too long, or has control characters", "AUTH")
    credentials = Credentials(name, "", prepare_password(text))
    return await _admit(session, await checked(session.dependencies.log_ins, session, "pop3", credentials))


async def authenticate(session: PopSession, command: c.PopAuthenticate) -> bytes:
    """Log in with a SASL mechanism (RFC 5034 §4); without one list them."""
    mechanisms = session.mechanisms if session.is_secure else ()
    if not command.mechanism:
        return response.ok("These are the mechanisms") + response.lines(mechanisms)
    if not session.is_secure:
        return _IN_CLEAR
    if command.mechanism not in mechanisms:
        return response.error("This mechanism is not offered")
    asked = MechanismAsked(command.mechanism, command.initial, lambda challenge: _answer_to(session, challenge))
    try:
        allowed = await authenticated(session.dependencies.log_ins, session, "pop3", asked)
    except _LineTooLong:
        return response.error("AUTH failed: the response is too long")
    if isinstance(allowed, SaslError):
        return response.error(f"AUTH failed: {allowed.failure.value}")
    return await _admit(session, allowed)


async def _answer_to(session: PopSession, challenge: Challenge) -> bytes:
    """The client's answer to a challenge. Raises _LineTooLong, SessionEnded."""
    session.channel.write(response.continuation(challenge.encode()))
    match await session.channel.event():
        case PopLine(octets):
            return octets
        case PopLineTooLong():
            raise _LineTooLong
    raise SessionEnded("The line has no end")


async def _admit(session: PopSession, allowed: AllowedLogIn | RefusedLogIn) -> bytes:
    """Open the maildrop. Raises ServiceError."""
    if isinstance(allowed, AllowedLogIn):
        await entered(session, msgspec.structs.replace(allowed.log_in, protocol="pop3"))
        number, octets = session.maildrop.messages.status()
        return response.ok(f"The maildrop has {number} messages ({octets} octets)")
    text = _IN_USE if allowed.reason is LogInRefusal.TOO_MANY_SESSIONS else allowed.text
    answer = response.error(text, _CODES[allowed.reason])
    if allowed.is_last:
        session.channel.write(answer)
        raise SessionEnded("Too many log-ins were refused")
    return answer
