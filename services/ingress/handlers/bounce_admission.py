"""Decides the reply to RCPT with a return path of ours: a bounce to mail that this server has forwarded (SRS)."""

from __future__ import annotations

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.unknown_recipients import UnknownRecipients
from services.ingress.handlers.post_moderation import list_of_decision
from shared.clock import Clock
from shared.grpc.errors import ServiceError, Unavailable
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.address.address import Address
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply, with_cause
from shared.protocol.srs.member import parse_member_return_path
from shared.protocol.srs.proof import NoReturnAddress
from shared.protocol.srs.rewrite import is_rewritten
from shared.routing.resolution import ResolutionKind
from shared.routing.return_paths import ReadReturnPath

_OURS = (ResolutionKind.UNKNOWN, ResolutionKind.ACCOUNTS)


def is_return_path(address: Address, kind: ResolutionKind) -> bool:
    """Whether an address has the form of a return path in a domain of ours that receives mail.

    It is one even where a wildcard or a catch-all would take it. Those of other servers are left alone.
    """
    return kind in _OURS and (is_rewritten(address.localpart) or parse_member_return_path(address) is not None)


class BounceAdmission:
    """Takes bounces, which have the null reverse-path, and a limited number of them from each network.

    Whoever has seen a return path could else send any mail to its first sender through this server.
    """

    def __init__(self, return_paths: KeptReturnPaths, directory: FollowedDirectory, clock: Clock, most: int) -> None:
        self._return_paths = return_paths
        self._directory = directory
        self._clock = clock
        self._bounces = UnknownRecipients(most)

    async def reply(self, address: Address, reverse_path: Address | None, network: str) -> Reply:
        """The reply to RCPT. A refusal that is final is a 5xx."""
        if reverse_path is not None:
            return replies.recipient_accepted() if self._is_decision(address) else replies.only_bounces()
        now = self._clock.monotonic()
        if self._bounces.are_too_many(network, now):
            return replies.too_many_bounces()
        try:
            read = await self._read(address)
        except ServiceError as error:
            return with_cause(replies.recipient_deferred(), f"return paths: {error}")
        if isinstance(read, NoReturnAddress):
            reply = replies.return_path_expired() if read.reason == "expired" else replies.not_our_return_path()
            return with_cause(reply, read.reason)
        self._bounces.add(network, now)
        return replies.recipient_accepted()

    def _is_decision(self, address: Address) -> bool:
        """Whether it may be an address with which a moderator decides, which is proven when the message is there."""
        copy = self._directory.copy
        return copy is not None and list_of_decision(copy, address) is not None

    async def _read(self, address: Address) -> ReadReturnPath:
        """To whom the bounce belongs: a sender of forwarded mail, or a member of a list. Raises ServiceError."""
        path = parse_member_return_path(address)
        if path is None:
            return await self._return_paths.sender_of(address, (address.domain,))
        copy = self._directory.copy
        if copy is None:
            raise Unavailable("the address book is being read", "lists")
        known = copy.names.lists.by_return_path(path)
        return await self._return_paths.member_of(path, known.id) if known is not None else NoReturnAddress("not_ours")
