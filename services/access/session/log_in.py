"""The log-in of every protocol: the exchange, the check, and the refusal after a delay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import NamedTuple, Never, TypeVar

import structlog

from services.access.session.account_session import AccountSession
from services.access.session.backend import LogInDependencies
from shared.grpc.errors import NotNow
from shared.owner.log_ins import ServerLogIn
from shared.protocol.sasl.outcome import Challenge, Credentials, SaslError
from shared.routing.log_ins import LogIn
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb

log = structlog.get_logger("access")

E = TypeVar("E", SaslError, Never)


class MechanismAsked(NamedTuple):
    """The mechanism that a client asks for; the initial response and the answers to challenges are base64."""

    mechanism: str
    initial: bytes | None
    answer_to: Callable[[Challenge], Awaitable[bytes]]


class LogInRefusal(Enum):
    """The reasons of which a client is told."""

    WRONG = auto()
    DISABLED = auto()
    TOO_MANY_REFUSALS = auto()
    NOT_CHECKED = auto()
    TOO_MANY_SESSIONS = auto()


class RefusedLogIn(NamedTuple):
    """A refused log-in. `is_last` when the connection ends with it."""

    reason: LogInRefusal
    text: str
    is_last: bool = False


class AllowedLogIn(NamedTuple):
    """An allowed log-in, and the address of its account. Its session must be entered, or the admission released."""

    log_in: LogIn
    address: str


_REFUSALS = {
    "disabled": (LogInRefusal.DISABLED, "This account is switched off"),
    "protocol-off": (LogInRefusal.DISABLED, "This account may not be read with this protocol"),
    "too-many": (LogInRefusal.TOO_MANY_REFUSALS, "Too many log-ins were refused; try again later"),
}
_WRONG = (LogInRefusal.WRONG, "Wrong name or password")


async def authenticated(
    dependencies: LogInDependencies, session: AccountSession, protocol: str, asked: MechanismAsked
) -> AllowedLogIn | RefusedLogIn | SaslError:
    """Carry out the exchange of a mechanism, and admit the session. Raises ServiceError."""
    log_in = ServerLogIn(dependencies.directory, session.asking(protocol), session.mechanisms)

    async def outcome() -> pb.Identity | SaslError:
        reached = await log_in.begin(asked.mechanism, asked.initial)
        while isinstance(reached, Challenge):
            reached = await log_in.step(await asked.answer_to(reached))
        return reached

    return await _admitted(dependencies, session, outcome())


async def checked(
    dependencies: LogInDependencies, session: AccountSession, protocol: str, credentials: Credentials
) -> AllowedLogIn | RefusedLogIn:
    """Check a name and password, and admit the session. Raises ServiceError."""
    asking = dependencies.directory.with_password(session.asking(protocol), credentials)
    return await _admitted(dependencies, session, asking)


async def _admitted(
    dependencies: LogInDependencies, session: AccountSession, deciding: Awaitable[pb.Identity | E]
) -> AllowedLogIn | RefusedLogIn | E:
    try:
        identity = await deciding
    except NotNow as error:  # who knows the password or the keys of tokens is away; its name is not for strangers
        log.warning("access.login_not_checked", session=session.id, reason=error.message)
        what = "Tokens" if error.reason == "oidc" else "Passwords"
        return RefusedLogIn(LogInRefusal.NOT_CHECKED, f"{what} cannot be checked now; try again later")
    if not isinstance(identity, pb.Identity):
        return identity
    if not identity.ok:
        return await _refused(session, identity.refusal, identity.refusals)
    if not dependencies.admission.admit_account(identity.account):
        return RefusedLogIn(LogInRefusal.TOO_MANY_SESSIONS, "Too many connections of this account")
    log.debug("access.login", session=session.id, account=identity.account)
    return AllowedLogIn(_log_in(identity), identity.address)


async def entered(session: AccountSession, log_in: LogIn) -> None:
    """Enter a session whose account was admitted; what it holds is released when that fails."""
    try:
        await session.enter(log_in)
    except BaseException:
        await session.leave()
        raise


def _log_in(identity: pb.Identity) -> LogIn:
    return LogIn(identity.account, identity.user, identity.domain, identity.as_of, identity.credential, identity.group)


async def _refused(session: AccountSession, refusal: str, refusals: int) -> RefusedLogIn:
    """The refusal after a delay; after a number of them the connection ends."""
    reason, text = _REFUSALS.get(refusal, _WRONG)
    log.info("access.login_refused", session=session.id, address=session.address, reason=refusal)
    await asyncio.sleep(session.refused_log_ins.delay(refusals))
    return RefusedLogIn(reason, text, session.refused_log_ins.add())
