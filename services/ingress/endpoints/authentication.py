"""AUTH (RFC 4954): from SASL lines to a user or a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.client import SmtpClient
from services.ingress.settings import IngressSettings
from shared.grpc.errors import ServiceError
from shared.protocol.sasl.exchange import SaslExchange, start
from shared.protocol.sasl.outcome import Challenge, Credentials, Outcome, SaslFailure
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply, with_cause
from shared.routing.log_ins import LogIn, RefusedLogIns
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb

_FAILURES = {
    SaslFailure.UNKNOWN_MECHANISM: replies.mechanism_not_offered,
    SaslFailure.CANCELLED: replies.authentication_cancelled,
    SaslFailure.TOO_LONG: replies.authentication_line_too_long,
    SaslFailure.BAD_BASE64: replies.authentication_malformed,
    SaslFailure.MALFORMED: replies.authentication_malformed,
}
_TOO_MANY = "too-many"

Pause = Callable[[float], Awaitable[None]]
"""Lets the client wait for a number of seconds."""


class Authentication:
    """The authentication exchanges of one session; a right password makes the client that user."""

    def __init__(
        self, directory: FollowedDirectory, client: SmtpClient, settings: IngressSettings, pause: Pause
    ) -> None:
        self._directory = directory
        self._client = client
        self._pause = pause
        self._refusals = RefusedLogIns(settings.max_failed_logins, settings.login_delay, settings.login_delay_limit)
        self._exchange: SaslExchange | None = None

    async def begin(self, mechanism: str, initial: bytes | None) -> Reply:
        """The reply to AUTH."""
        self._exchange, outcome = start(mechanism, initial)
        return await self._answer(outcome)

    async def step(self, line: bytes) -> Reply:
        """The reply to a line of the exchange."""
        assert self._exchange is not None
        return await self._answer(self._exchange.step(line))

    async def _answer(self, outcome: Outcome) -> Reply:
        match outcome:
            case Challenge():
                return replies.challenge(outcome.encode())
            case Credentials():
                return await self._check(outcome)
            case _:
                return _FAILURES[outcome.failure]()

    async def _check(self, given: Credentials) -> Reply:
        client = self._client
        try:
            identity = await self._directory.authenticate(given, client.address, client.listener)
        except ServiceError as error:
            return with_cause(replies.authentication_unavailable(), f"directory: {error}")
        if not identity.ok:
            return await self._refused(identity)
        client.user, client.account, client.account_address = identity.user, identity.account, identity.address
        client.log_in = LogIn(
            identity.account, identity.user, identity.domain, identity.as_of, identity.credential, identity.group
        )
        client.mails_an_hour = identity.mails_an_hour
        return replies.authenticated()

    async def _refused(self, identity: pb.Identity) -> Reply:
        """Refuse after a delay, which grows with each refusal of a client."""
        await self._pause(self._refusals.delay(identity.refusals))
        is_temporary = identity.refusal == _TOO_MANY
        reply = replies.authentication_unavailable() if is_temporary else replies.authentication_failed()
        return self._failed(reply, identity.refusal)

    def _failed(self, reply: Reply, cause: str) -> Reply:
        """The reply to a failure, which looks the same for every cause (RFC 4954 §4)."""
        if self._refusals.add():
            reply = replies.too_many_failed_authentications()
        return with_cause(reply, cause)
