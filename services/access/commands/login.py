"""LOGIN and AUTHENTICATE."""

from __future__ import annotations

import asyncio

import structlog

from services.access.commands.connection import offered
from services.access.session.channel import SessionEnded
from services.access.session.session import ImapSession
from shared.grpc.errors import NotNow
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.frame_event import AFTER_LOGIN, ContinuationLine
from shared.protocol.imap.response_code import Code, capability_code
from shared.protocol.sasl.exchange import start
from shared.protocol.sasl.mechanism import prepare_password
from shared.protocol.sasl.outcome import Challenge, Credentials, SaslError, SaslFailure, encode_base64
from shared.routing.log_ins import LogIn

log = structlog.get_logger("access")

_REFUSALS = {
    "disabled": (Code.CONTACTADMIN, "This account is switched off"),
    "too-many": (Code.UNAVAILABLE, "Too many log-ins were refused; try again later"),
}
_WRONG = (Code.AUTHENTICATIONFAILED, "Wrong name or password")


async def login(session: ImapSession, command: c.Login) -> bytes:
    """Log in with LOGIN (RFC 3501 §6.2.3)."""
    return await _admit(session, command.tag, Credentials(command.user, "", prepare_password(command.password)))


async def authenticate(session: ImapSession, command: c.Authenticate) -> bytes:
    """Log in with AUTHENTICATE (RFC 3501 §6.2.2), which may have an initial response (RFC 4959)."""
    initial = command.initial_response
    exchange, outcome = start(command.mechanism, None if initial is None else encode_base64(initial) or b"=")
    while isinstance(outcome, Challenge):
        session.channel.framer.expect_line()
        session.channel.write(response.continuation(outcome.encode()))
        line = await session.channel.event()
        if not isinstance(line, ContinuationLine):
            raise SessionEnded("The response is too long")
        outcome = exchange.step(line.data)
    if isinstance(outcome, SaslError):
        return _sasl_refusal(command.tag, outcome.failure)
    return await _admit(session, command.tag, outcome)


def _sasl_refusal(tag: bytes, failure: SaslFailure) -> bytes:
    if failure is SaslFailure.UNKNOWN_MECHANISM:
        return response.no(tag, "This mechanism is not offered", Code.CANNOT)
    return response.bad(tag, f"AUTHENTICATE failed: {failure.value}")


async def _admit(session: ImapSession, tag: bytes, credentials: Credentials) -> bytes:
    try:
        identity = await session.backend.directory.authenticate(credentials, "imap", session.address)
    except NotNow as error:  # an LDAP directory that has the password is away; its name is not for strangers
        log.warning("access.login_not_checked", session=session.id, reason=error.message)
        return response.no(tag, "Passwords cannot be checked now; try again later", Code.UNAVAILABLE)
    if not identity.ok:
        return await _refuse(session, tag, identity.refusal, identity.refusals)
    if not session.backend.admission.admit_account(identity.account):
        return response.no(tag, "Too many connections of this account", Code.LIMIT)
    log_in = LogIn(
        identity.account, identity.user, identity.domain, identity.as_of, identity.credential, identity.group
    )
    await _enter(session, log_in)
    log.debug("access.login", session=session.id, account=identity.account)
    return response.ok(tag, "Logged in", capability_code(offered(session)))


async def _enter(session: ImapSession, log_in: LogIn) -> None:
    try:
        await session.enter(log_in)
    except BaseException:
        await session.leave()
        raise
    session.channel.prove()
    session.channel.framer.limits = AFTER_LOGIN
    session.channel.silence = session.backend.settings.idle_timeout


async def _refuse(session: ImapSession, tag: bytes, reason: str, refusals: int) -> bytes:
    """Refuse a log-in after a delay; after a number of refusals, end the connection."""
    code, text = _REFUSALS.get(reason, _WRONG)
    log.info("access.login_refused", session=session.id, address=session.address, reason=reason)
    await asyncio.sleep(session.refused_log_ins.delay(refusals))
    answer = response.no(tag, text, code)
    if session.refused_log_ins.add():
        session.channel.write(answer)
        raise SessionEnded("Too many log-ins were refused")
    return answer
