"""The return paths of a service that writes or reads them: the secrets come from the directory, and are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TypeVar

import structlog

from shared.clock import Clock
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError, Unavailable
from shared.protocol.address.address import Address
from shared.protocol.srs.decision import Decision, ReadDecision
from shared.protocol.srs.member import MemberReturnPath, ReadMember
from shared.protocol.srs.rewrite import Reversed
from shared.routing.return_paths import ReadReturnPath, ReturnPaths, day_of, may_be_new
from shared.rpc.mailfold.directory.v1 import returnpaths_pb2 as pb
from shared.rpc.mailfold.directory.v1.returnpaths_pb2_grpc import ReturnPathsStub
from shared.secrets import SecretsError
from shared.secrets.keyring import Keyring
from shared.secrets.return_paths import open_return_path_secret

log = structlog.get_logger("return_paths")
_KEPT_SECONDS = 300.0
"""Seconds after which the directory is asked again; its earlier secrets stay valid for days."""
_AGAIN_SECONDS = 10.0
"""Seconds between two questions, so that forged return paths do not make the directory work."""

R = TypeVar("R", bound=ReadReturnPath)


class KeptReturnPaths:
    """Writes and reads return paths. Nothing is asked before the first of them is needed.

    Every method raises ServiceError while there is no secret yet and the directory does not give one; then it is to be
    tried again.
    """

    def __init__(self, directory: Channel, keyring: Keyring, clock: Clock) -> None:
        self._directory = ReturnPathsStub(directory)
        self._keyring = keyring
        self._clock = clock
        self._paths: ReturnPaths | None = None
        self._asked = 0.0
        self._lock = asyncio.Lock()

    async def forwarding(self, sender: Address, domain: str, token: str) -> Address:
        """The return path of forwarded mail; see `ReturnPaths.forwarding`."""
        return (await self._current(_KEPT_SECONDS)).forwarding(sender, domain, token, self._today())

    async def sender_of(self, address: Address, domains: Collection[str], *, late_days: int = 0) -> Reversed:
        """To whom a bounce to a return path goes on; see `ReturnPaths.sender_of`."""
        today = self._today()
        return await self._read(lambda paths: paths.sender_of(address, domains, today, late_days=late_days))

    async def to_member(self, list_localpart: str, domain: str, list_id: str, member_id: str) -> Address:
        """The return path of a post to a member of a list; see `ReturnPaths.to_member`."""
        paths = await self._current(_KEPT_SECONDS)
        return paths.to_member(list_localpart, domain, list_id, member_id, self._today())

    async def member_of(self, path: MemberReturnPath, list_id: str) -> ReadMember:
        """The member whom a return path names, or why it is not accepted."""
        today = self._today()
        return await self._read(lambda paths: paths.member_of(path, list_id, today))

    async def to_decide(
        self, name: tuple[str, str], list_id: str, post_id: str, moderator: str, decision: Decision
    ) -> Address:
        """The address with which a moderator decides about a held post; see `ReturnPaths.to_decide`."""
        paths = await self._current(_KEPT_SECONDS)
        return paths.to_decide(name, list_id, post_id, moderator, decision, self._today())

    async def decision_of(self, path: MemberReturnPath, list_id: str, moderator: str) -> ReadDecision:
        """The decision that an address stands for when this moderator uses it, or why it is not accepted."""
        today = self._today()
        return await self._read(lambda paths: paths.decision_of(path, list_id, moderator, today))

    async def _read(self, read: Callable[[ReturnPaths], R]) -> R:
        """Read a return path.

        One that may have been written with a newer secret is refused only by secrets that were asked for a moment ago.
        """
        paths = await self._current(_KEPT_SECONDS)
        result = read(paths)
        if not may_be_new(result):
            return result
        return read(await self._current(_AGAIN_SECONDS, must_ask=True))

    async def _current(self, seconds: float, *, must_ask: bool = False) -> ReturnPaths:
        """The secrets, asked for at most so many seconds ago.

        When the directory does not answer, older ones are used, unless it must be asked.
        """
        async with self._lock:
            now = self._clock.monotonic()
            if self._paths is not None and now - self._asked < seconds:
                return self._paths
            try:
                paths = await self._ask()
            except ServiceError as error:
                if self._paths is None or must_ask:
                    raise
                log.warning("return_paths.secrets_not_renewed", error=str(error))
                self._asked = now - _KEPT_SECONDS + _AGAIN_SECONDS
                return self._paths
            self._paths, self._asked = paths, now
            return paths

    async def _ask(self) -> ReturnPaths:
        reply = await self._directory.Secrets(pb.ReturnPathRequest())
        try:
            secrets = await asyncio.to_thread(self._open, reply)
        except SecretsError as error:  # an operator puts the key back
            raise Unavailable(str(error), "secrets") from error
        return ReturnPaths(secrets)

    def _open(self, reply: pb.SealedReturnPathSecrets) -> tuple[bytes, ...]:
        return tuple(open_return_path_secret(self._keyring, secret).reveal() for secret in reply.secrets)

    def _today(self) -> int:
        return day_of(self._clock.now())
