"""Finds where a mail goes: how its recipients resolve, and the return paths of copies for other servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from services.delivery.domain.forwarding import forwarding_recipients
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import Route
from shared.events.delivery import DeliveryPlanned
from shared.eventstore.store import EventStore
from shared.grpc.errors import Unavailable
from shared.owner.followed_book import FollowedBook
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.address.address import Address, parse_address
from shared.protocol.srs.decision import is_decision
from shared.protocol.srs.member import BouncedMember, MemberReturnPath, parse_member_return_path
from shared.protocol.srs.proof import NoReturnAddress
from shared.protocol.srs.rewrite import StoredSender, is_rewritten
from shared.routing.known_lists import KnownList
from shared.routing.resolution import Resolution, ResolutionKind, Target

_LATE_DAYS = 30
"""Days for which a bounce that the ingress has accepted may wait here before its return path is read again."""
_BOUNCED = "a return path of forwarded mail"


class RecipientRoutes:
    """Resolves the recipients of a mail."""

    def __init__(self, store: EventStore, book: FollowedBook, return_paths: KeptReturnPaths) -> None:
        self._store = store
        self._book = book
        self._return_paths = return_paths

    async def of(self, mail: AcceptedMail) -> list[Route]:
        """How each recipient resolves. Raises ServiceError when that cannot be found now."""
        return [(recipient, await self._resolve(mail, recipient.address)) for recipient in mail.recipients]

    def size_limit_of(self, address: Address) -> int:
        """Octets of the largest message that an account takes; 0: as much as the server."""
        return self._book.size_limit_of(address)

    async def return_paths(self, mail: AcceptedMail, routes: Sequence[Route]) -> Mapping[str, str]:
        """The return paths of copies that our aliases send to other servers, by recipient.

        There are none for the null reverse-path (RFC 5321 §4.5.5) and for senders in domains of ours. Raises
        ServiceError.
        """
        forwarding = forwarding_recipients(routes) if mail.reverse_path else []
        sender = parse_address(mail.reverse_path) if forwarding else None
        if sender is None or await self._is_ours(sender):
            return {}
        domains = {recipient.address: parse_address(recipient.address).domain for recipient in forwarding}
        paths = {
            domain: str(await self._return_paths.forwarding(sender, domain, mail.queue_id))
            for domain in dict.fromkeys(domains.values())
        }
        return {recipient: paths[domain] for recipient, domain in domains.items()}

    async def redirect_path(self, mail: AcceptedMail, account_address: str) -> str:
        """The return path of copies that the script of an account sends to other servers, in the account's domain.

        The null reverse-path stays null, and a sender in a domain of ours stays as it is. Raises ServiceError.
        """
        sender = parse_address(mail.reverse_path) if mail.reverse_path else None
        if sender is None or await self._is_ours(sender):
            return mail.reverse_path
        domain = parse_address(account_address).domain
        return str(await self._return_paths.forwarding(sender, domain, mail.queue_id))

    async def _resolve(self, mail: AcceptedMail, text: str) -> Resolution:
        address = parse_address(text)
        if is_rewritten(address.localpart) and await self._is_ours(address):
            return await self._resolve_bounce(mail, address)
        path = parse_member_return_path(address)
        if path is not None and not mail.reverse_path and await self._is_ours(address):
            return await self._resolve_post_returned(path, address)
        if path is not None and is_decision(path) and await self._is_ours(address):
            return self._resolve_decision(path, address)
        return await self._book.resolve(address)

    def _resolve_decision(self, path: MemberReturnPath, address: Address) -> Resolution:
        """The held post about which a moderator decides with mail to an address; the address proves nothing yet."""
        known = self._list_of(path)
        if known is None:
            return Resolution(ResolutionKind.UNKNOWN)
        target = Target(str(address), list_id=known.id, member=path.member_id)
        return Resolution(ResolutionKind.ACCOUNTS, (target,), known.address)

    def _list_of(self, path: MemberReturnPath) -> KnownList | None:
        copy = self._book.copy
        if copy is None:
            raise Unavailable("the address book is being read", "lists")
        return copy.names.lists.by_return_path(path)

    async def _resolve_post_returned(self, path: MemberReturnPath, address: Address) -> Resolution:
        """The member of a list from whom a post has come back; nobody when that is not proven."""
        known = self._list_of(path)
        read = await self._return_paths.member_of(path, known.id) if known is not None else None
        if known is None or not isinstance(read, BouncedMember):
            return Resolution(ResolutionKind.UNKNOWN)
        return Resolution(
            ResolutionKind.ACCOUNTS, (Target(str(address), list_id=known.id, member=read.member_id),), known.address
        )

    async def _resolve_bounce(self, mail: AcceptedMail, address: Address) -> Resolution:
        """Where a bounce to a return path goes on; nowhere when it is none, or nobody's.

        The ingress has checked both already; but mail with a sender must never get to others in this way.
        """
        if mail.reverse_path:
            return Resolution(ResolutionKind.UNKNOWN)
        sender = await self._return_paths.sender_of(address, (address.domain,), late_days=_LATE_DAYS)
        match sender:
            case NoReturnAddress():
                original = None
            case StoredSender(token):
                original = await self._original_sender(token)
            case Address():
                original = sender
        if original is None:
            return Resolution(ResolutionKind.UNKNOWN)
        resolution = await self._book.resolve(original)
        if resolution.kind is ResolutionKind.REMOTE:
            return msgspec.structs.replace(resolution, via=_BOUNCED)
        return resolution

    async def _original_sender(self, queue_id: str) -> Address | None:
        """The sender of a mail that was forwarded, from its recorded plan."""
        for recorded in await self._store.read_stream(queue_id, 0, 1):
            if isinstance(recorded.event, DeliveryPlanned):
                senders = (step.original_sender for step in recorded.event.steps if step.original_sender)
                return next(map(parse_address, senders), None)
        return None

    async def _is_ours(self, address: Address) -> bool:
        copy = self._book.copy
        if copy is not None:
            return copy.is_ours(address)
        return (await self._book.resolve(address)).kind is not ResolutionKind.REMOTE
