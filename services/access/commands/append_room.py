"""The room for an APPEND or REPLACE, the bodies of one that is refused, and the refusal."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Literal, Self, TypeVar

import structlog

from services.access.session.session import ImapSession
from shared.blobs.errors import BlobError
from shared.blobs.port import BlobRef, Blobs
from shared.grpc.errors import Denied, Invalid, LimitReached, NotFound
from shared.protocol.imap.response_code import Code, ResponseCode
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

log = structlog.get_logger("access")
T = TypeVar("T")
_NOTHING_DONE = (Denied, Invalid, LimitReached, NotFound)
"""Refusals after which certainly no message refers to the bodies."""


class IntakeRefused(Exception):
    """A message is refused, and with it the whole command."""

    def __init__(self, text: str, code: ResponseCode = b"", condition: Literal["NO", "BAD"] = "NO") -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.condition: Literal["NO", "BAD"] = condition


class AppendRoom:
    """The quota of the account when the command began.

    `freed` is what the command frees: the size of the message that REPLACE replaces (RFC 8508 §3.4). The mailstore
    checks the quota again when it commits.
    """

    def __init__(self, quota: pb.QuotaReply, freed: int | None = None) -> None:
        self._used = quota.used_bytes
        self._limit = quota.limit_bytes
        self._messages = quota.messages
        self._most_messages = quota.limit_messages
        self._freed = freed

    @classmethod
    async def of(cls, session: ImapSession, account: str, freed: int | None = None) -> Self:
        """Read quota and usage of an account. Raises ServiceError."""
        return cls(await session.backend.mailstore.quota(account), freed)

    def check(self, octets: int) -> None:
        """Check a message of so many octets before the client sends it. Raises IntakeRefused."""
        if self._freed is not None:
            if octets > self._freed:
                self._check_octets(octets - self._freed)
            return
        self._check_octets(octets)
        if self._most_messages and self._messages >= self._most_messages:
            text = f"{self._messages} of {self._most_messages} messages are used, 1 more does not fit"
            raise IntakeRefused(text, Code.OVERQUOTA)

    def _check_octets(self, octets: int) -> None:
        if self._limit and octets > self._limit:
            raise IntakeRefused(f"{octets} octets are more than the whole quota of {self._limit}", Code.OVERQUOTA)
        if self._limit and self._used + octets > self._limit:
            text = f"{self._used} of {self._limit} octets are used, {octets} more do not fit"
            raise IntakeRefused(text, Code.OVERQUOTA)

    def take(self, octets: int) -> None:
        """Count a received message of this APPEND."""
        self._used += octets
        self._messages += 1


class Bodies:
    """The bodies of one APPEND in the blob store.

    At the end of the block, bodies to which no message refers are deleted.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._refs: list[BlobRef] = []

    def add(self, ref: BlobRef) -> None:
        """Note a body that is durable."""
        self._refs.append(ref)

    def keep(self) -> None:
        """Keep all bodies, because messages refer to them or may do so."""
        self._refs.clear()

    async def stored(self, call: Awaitable[T]) -> T:
        """Await the call that stores the messages. The bodies stay, unless it was certainly refused."""
        try:
            reply = await call
        except _NOTHING_DONE:
            raise
        except BaseException:
            self.keep()  # it is not known whether the messages were stored
            raise
        self.keep()
        return reply

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for ref in self._refs:
            try:
                await self._blobs.take_back(ref)
            except BlobError as problem:
                log.warning("access.body_stays", blob=ref.id, error=str(problem))
