"""AUTH (RFC 4954): from SASL lines to a user or a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.client import SmtpClient
from services.ingress.settings import IngressSettings
from shared.grpc.errors import ServiceError
from shared.owner.log_ins import LogInClient, LogInOutcome, ServerLogIn
from shared.protocol.sasl.outcome import Challenge, SaslError, SaslFailure
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
        self._log_in: ServerLogIn | None = None
        self.certificate: tuple[str, ...] | None = None
        """The mail addresses in the verified certificate of the client; None without one."""

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms for this connection."""
        return self._asking.mechanisms(self._directory.mechanisms)

    async def begin(self, mechanism: str, initial: bytes | None) -> Reply:
        """The reply to AUTH."""
        self._log_in = ServerLogIn(self._directory.log_ins, self._asking, self.mechanisms)
        return await self._answer(self._log_in.begin(mechanism, initial))

    async def step(self, line: bytes) -> Reply:
        """The reply to a line of the exchange."""
        assert self._log_in is not None
        return await self._answer(self._log_in.step(line))

    @property
    def _asking(self) -> LogInClient:
        return LogInClient(self._client.listener, self._client.address, self.certificate)

    async def _answer(self, deciding: Awaitable[LogInOutcome]) -> Reply:
        try:
            outcome = await deciding
        except ServiceError as error:
            return with_cause(replies.authentication_unavailable(), f"directory: {error}")
        match outcome:
            case Challenge():
                return replies.challenge(outcome.encode())
            case SaslError():
                return _FAILURES[outcome.failure]()
            case _:
                return await self._decided(outcome)

    async def _decided(self, identity: pb.Identity) -> Reply:
        if not identity.ok:
            return await self._refused(identity)
        client = self._client
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
