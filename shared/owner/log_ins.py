"""The server's side of a log-in with any mechanism: the exchange with the client, and questions to the directory."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

import msgspec

from shared.grpc.channel import Channel
from shared.protocol.sasl.exchange import WITH_PASSWORD, ExchangeOutcome, SaslExchange
from shared.protocol.sasl.outcome import BearerToken, CertificateShown, Challenge, Credentials, SaslError
from shared.protocol.sasl.scram import ProofGiven, ProvenName, SaltNeeded
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import logins_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.directory.v1.logins_pb2_grpc import LogInsStub

Q = TypeVar("Q")
R = TypeVar("R")
_NONCE_OCTETS = 18
EXTERNAL = "EXTERNAL"

LogInOutcome = Challenge | pb.Identity | SaslError
"""What the client is sent next, who it is or why it is refused, or why there is no answer."""


class LogInClient(msgspec.Struct, frozen=True):
    """The client of a session, as far as log-ins go."""

    protocol: str
    address: str
    certificate: tuple[str, ...] | None = None
    """The mail addresses in the verified certificate that this connection has shown; None without one."""

    def mechanisms(self, offered: Collection[str]) -> tuple[str, ...]:
        """The mechanisms for this connection; `offered` are those that the directory offers."""
        external = () if self.certificate is None else (EXTERNAL,)
        return (*WITH_PASSWORD, *offered, *external)


async def _once(method: Callable[[Q], Awaitable[R]], request: Q) -> R:
    return await method(request)


class LogInQuestions:
    """Asks the directory. `call` makes the calls, and may repeat them."""

    def __init__(self, channel: Channel, call: Callable[[Any, Any], Awaitable[Any]] = _once) -> None:
        self._directory = DirectoryStub(channel)
        self._log_ins = LogInsStub(channel)
        self._call = call

    async def offered(self) -> tuple[str, ...]:
        """The mechanisms that the directory offers now. Raises ServiceError."""
        reply: logins_pb2.Mechanisms = await self._log_ins.ListMechanisms(logins_pb2.MechanismsRequest())
        return tuple(reply.names)

    async def with_password(self, client: LogInClient, given: Credentials) -> pb.Identity:
        """Check a name and password; a refused log-in has `ok` false and a `refusal`. Raises ServiceError."""
        request = pb.AuthenticateRequest(
            login=given.authcid,
            password=given.password,
            protocol=client.protocol,
            address=client.address,
            authorization=given.authzid,
        )
        identity: pb.Identity = await self._call(self._directory.Authenticate, request)
        return identity

    async def salt(self, names: SaltNeeded) -> logins_pb2.ScramSalt:
        """The salt of a name. Raises ServiceError."""
        request = logins_pb2.BeginScramRequest(login=names.name, authorization=names.authzid)
        salt: logins_pb2.ScramSalt = await self._call(self._log_ins.BeginScram, request)
        return salt

    async def with_proof(self, client: LogInClient, given: ProofGiven) -> logins_pb2.ScramAnswer:
        """Check a proof. Raises ServiceError."""
        request = logins_pb2.FinishScramRequest(
            login=given.authcid,
            authorization=given.authzid,
            protocol=client.protocol,
            address=client.address,
            text=given.text,
            proof=given.proof,
        )
        answer: logins_pb2.ScramAnswer = await self._call(self._log_ins.FinishScram, request)
        return answer

    async def with_token(self, client: LogInClient, given: BearerToken) -> pb.Identity:
        """Check a token. Raises ServiceError: NotNow when its issuer cannot be asked."""
        request = logins_pb2.TokenRequest(
            token=given.token, authorization=given.authzid, protocol=client.protocol, address=client.address
        )
        identity: pb.Identity = await self._call(self._log_ins.OpenWithToken, request)
        return identity

    async def with_certificate(self, client: LogInClient, given: CertificateShown) -> pb.Identity:
        """What the certificate of the client opens. Raises ServiceError."""
        request = logins_pb2.CertificateRequest(
            names=client.certificate or (),
            authorization=given.authzid,
            protocol=client.protocol,
            address=client.address,
        )
        identity: pb.Identity = await self._call(self._log_ins.OpenWithCertificate, request)
        return identity


class ServerLogIn:
    """One log-in of a client. After any outcome but Challenge it is over."""

    def __init__(self, questions: LogInQuestions, client: LogInClient, offered: Collection[str]) -> None:
        """`offered` are the mechanisms that were announced on this connection."""
        self._questions = questions
        self._client = client
        self._offered = offered
        self._exchange = SaslExchange("", ())
        self._decided: pb.Identity | None = None
        """Who the client is, or why it is refused, while one more message of it is awaited."""
        self._takes_anything = False

    async def begin(self, mechanism: str, initial: bytes | None) -> LogInOutcome:
        """Begin; `initial` and the lines are base64, as the client sends them. Raises ServiceError."""
        self._exchange = SaslExchange(mechanism, self._offered)
        return await self._decide(self._exchange.start(initial))

    async def step(self, line: bytes) -> LogInOutcome:
        """Take the client's next line. Raises ServiceError."""
        if self._decided is not None and self._takes_anything:
            return self._decided
        return await self._decide(self._exchange.step(line))

    async def _decide(self, outcome: ExchangeOutcome) -> LogInOutcome:
        match outcome:
            case Credentials():
                return await self._questions.with_password(self._client, outcome)
            case SaltNeeded():
                salt = await self._questions.salt(outcome)
                return self._exchange.supply(salt.salt, salt.iterations, secrets.token_urlsafe(_NONCE_OCTETS))
            case ProofGiven():
                return await self._after_proof(outcome)
            case ProvenName():
                assert self._decided is not None
                return self._decided
            case BearerToken():
                return await self._after_token(outcome)
            case CertificateShown():
                return await self._questions.with_certificate(self._client, outcome)
            case _:
                return outcome

    async def _after_proof(self, given: ProofGiven) -> LogInOutcome:
        """The server's signature, which the client confirms with an empty message; or the refusal."""
        answer = await self._questions.with_proof(self._client, given)
        if not answer.identity.ok:
            return answer.identity
        self._decided = answer.identity
        return self._exchange.accept(answer.signature)

    async def _after_token(self, given: BearerToken) -> LogInOutcome:
        """Who the client is. A refused one is told why, and its answer is taken, whatever it is (RFC 7628 §3.2.3)."""
        identity = await self._questions.with_token(self._client, given)
        if identity.ok:
            return identity
        self._decided, self._takes_anything = identity, True
        return Challenge(given.failure)
