"""Refuses recipients whose mailboxes are full, before the message is sent.

The mailstore names the accounts that use much of their quota. Only for these it is asked at RCPT, so mail to all
others costs nothing. Where the mailstore does not answer, the recipient is accepted, and delivery decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.background import BackgroundTask, woken_within
from shared.bus.bus import Bus
from shared.bus.subjects import QUOTA_DOORBELL
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.protocol.address.address import Address
from shared.protocol.smtp import replies
from shared.protocol.smtp.codes import POSTMASTER
from shared.protocol.smtp.reply import Reply
from shared.routing.resolution import Target
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import QuotaReply, QuotaRequest
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.mailstore.v1.quota_pb2 import NearlyFullRequest
from shared.rpc.mailfold.mailstore.v1.quota_pb2_grpc import QuotaStub

_COMPARE_SECONDS = 60.0
_MOST_ASKED = 10
"""Full targets of an alias about which the mailstore is asked; of more targets, each decides at its delivery."""


class MailboxRoom:
    """The accounts that are nearly full, and the question whether they have room."""

    def __init__(self, channel: Channel, bus: Bus, *, is_refusal_final: bool) -> None:
        self._mailstore = MailstoreStub(channel)
        self._quotas = QuotaStub(channel)
        self._bus = bus
        self._is_refusal_final = is_refusal_final
        self._wake = asyncio.Event()
        self._task = BackgroundTask("ingress", "mailbox-room", self._turn, not_now=(ServiceError,), longest_pause=5.0)
        self.nearly_full: frozenset[str] = frozenset()
        """The ids of accounts."""

    async def start(self) -> None:
        """Begin to ask which accounts are nearly full: when the doorbell rings, and once a minute."""
        await self._bus.listen(QUOTA_DOORBELL, self._rung)
        self._task.start()

    async def stop(self) -> None:
        """Ask no more."""
        await self._task.stop()

    async def refusal(self, recipient: Address, targets: Sequence[Target], size: int) -> Reply | None:
        """The refusal of a recipient, all of whose targets are full; None where one of them has room.

        `size` is that of the message as the client has announced it, or 0. Mail to postmaster is never refused here
        (RFC 5321 §4.5.1).
        """
        if not self.nearly_full or not 0 < len(targets) <= _MOST_ASKED:
            return None
        if recipient.localpart.lower() == POSTMASTER or not all(to.account in self.nearly_full for to in targets):
            return None
        refusals = []
        for target in targets:
            try:
                quota = await self._mailstore.Quota(QuotaRequest(account=target.account))
            except ServiceError:
                return None
            reply = self._refusal_of(quota, size)
            if reply is None:
                return None
            refusals.append(reply)
        return min(refusals, key=lambda reply: reply.code)  # one of them may have room later

    def _refusal_of(self, quota: QuotaReply, size: int) -> Reply | None:
        if quota.limit_bytes and size > quota.limit_bytes:
            return replies.larger_than_the_mailbox()
        has_octets = not quota.limit_bytes or quota.used_bytes + max(size, 1) <= quota.limit_bytes
        if has_octets and (not quota.limit_messages or quota.messages < quota.limit_messages):
            return None
        return replies.larger_than_the_mailbox() if self._is_refusal_final else replies.mailbox_full()

    def _rung(self, _subject: str, _payload: bytes) -> None:
        self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        accounts: list[str] = []
        request = NearlyFullRequest()
        while page := (await self._quotas.ListNearlyFull(request)).accounts:
            accounts += page
            request = NearlyFullRequest(after=accounts[-1])
        self.nearly_full = frozenset(accounts)
        await woken_within(self._wake, _COMPARE_SECONDS)
