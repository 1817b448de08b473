"""Quota limits. They belong to the directory; the mailstore asks for them and caches them for a short time."""

from __future__ import annotations

from services.mailstore.domain.quota import QuotaLimits
from shared.clock import Clock
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

_KEPT_SECONDS = 30.0
_KEPT_ACCOUNTS = 10_000


class Quotas:
    """The quotas of accounts."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self._stub = DirectoryStub(channel)
        self._clock = clock
        self._known: dict[str, tuple[float, QuotaLimits]] = {}

    async def has_account(self, account: str) -> bool:
        """Whether the directory has the account now. Raises ServiceError when it does not answer."""
        try:
            await self._stub.ShowAccount(NameRequest(name=account))
        except NotFound:
            return False
        return True

    async def of(self, account: str) -> QuotaLimits:
        """The limit, at most half a minute old. An account that the directory no longer has is not limited."""
        now = self._clock.monotonic()
        known = self._known.get(account)
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[1]
        try:
            shown = await self._stub.ShowAccount(NameRequest(name=account))
            limits = QuotaLimits(shown.quota_bytes, shown.quota_messages)
        except NotFound:
            limits = QuotaLimits()
        if len(self._known) >= _KEPT_ACCOUNTS:
            self._known.clear()
        self._known[account] = (now, limits)
        return limits
