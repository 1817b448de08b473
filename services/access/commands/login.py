"""LOGIN and AUTHENTICATE."""

from __future__ import annotations

from services.access.commands.connection import offered
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
from services.access.session.session import ImapSession
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.frame_event import AFTER_LOGIN, ContinuationLine
from shared.protocol.imap.response_code import Code, capability_code
from shared.protocol.sasl.mechanism import prepare_password
from shared.protocol.sasl.outcome import Challenge, Credentials, SaslError, SaslFailure, encode_base64

_CODES = {
    LogInRefusal.WRONG: Code.AUTHENTICATIONFAILED,
    LogInRefusal.DISABLED: Code.CONTACTADMIN,
    LogInRefusal.TOO_MANY_REFUSALS: Code.UNAVAILABLE,
    LogInRefusal.NOT_CHECKED: Code.UNAVAILABLE,
    LogInRefusal.TOO_MANY_SESSIONS: Code.LIMIT,
}


async def login(session: ImapSession, command: c.Login) -> bytes:
    """Log in with LOGIN (RFC 3501 §6.2.3)."""
    given = Credentials(command.user, "", prepare_password(command.password))
    return await _admit(session, command.tag, await checked(session.backend.log_ins, session, "imap", given))


async def authenticate(session: ImapSession, command: c.Authenticate) -> bytes:
    """Log in with AUTHENTICATE (RFC 3501 §6.2.2), which may have an initial response (RFC 4959)."""

    async def answer_to(challenge: Challenge) -> bytes:
        session.channel.framer.expect_line()
        session.channel.write(response.continuation(challenge.encode()))
        line = await session.channel.event()
        if not isinstance(line, ContinuationLine):
            raise SessionEnded("The response is too long")
        return line.data

    initial = command.initial_response
    first = None if initial is None else encode_base64(initial) or b"="
    asked = MechanismAsked(command.mechanism, first, answer_to)
    allowed = await authenticated(session.backend.log_ins, session, "imap", asked)
    if isinstance(allowed, SaslError):
        return _sasl_refusal(command.tag, allowed.failure)
    return await _admit(session, command.tag, allowed)


def _sasl_refusal(tag: bytes, failure: SaslFailure) -> bytes:
    if failure is SaslFailure.UNKNOWN_MECHANISM:
        return response.no(tag, "This mechanism is not offered", Code.CANNOT)
    return response.bad(tag, f"AUTHENTICATE failed: {failure.value}")


async def _admit(session: ImapSession, tag: bytes, allowed: AllowedLogIn | RefusedLogIn) -> bytes:
    if isinstance(allowed, RefusedLogIn):
        return _refused(session, tag, allowed)
    await entered(session, allowed.log_in)
    session.owner = allowed.address
    session.channel.prove()
    session.channel.framer.limits = AFTER_LOGIN
    idle_timeout = session.backend.settings.idle_timeout
    session.channel.silence = lambda: idle_timeout
    return response.ok(tag, "Logged in", capability_code(offered(session)))


def _refused(session: ImapSession, tag: bytes, refused: RefusedLogIn) -> bytes:
    answer = response.no(tag, refused.text, _CODES[refused.reason])
    if refused.is_last:
        session.channel.write(answer)
        raise SessionEnded("Too many log-ins were refused")
    return answer
