"""Decides the replies to mail for mailing lists, so that what a list does not take is refused and not bounced."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.client import SmtpClient
from services.ingress.handlers.checks import Checked
from services.ingress.handlers.post_moderation import Author, PostModeration, asks_moderation, list_of_decision
from shared.events.mail import RecordedCheck
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound, Unavailable
from shared.protocol.address.address import Address
from shared.protocol.mailing_list.post import NoPost, no_post
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply
from shared.routing.address_book import key_of
from shared.routing.known_lists import KnownList
from shared.routing.resolution import Target
from shared.rpc.mailfold.directory.v1 import lists_pb2 as pb
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub


class ListAdmission:
    """Asks the address book which recipients are lists, and the directory who is a member.

    An installation without lists pays nothing: where a recipient's mail goes is known when this is asked.
    """

    def __init__(self, directory: FollowedDirectory, channel: Channel, moderation: PostModeration) -> None:
        self._directory = directory
        self._moderation = moderation
        self._lists = ListsStub(channel)

    def list_of(self, address: Address, targets: Sequence[Target]) -> KnownList | None:
        """The list that is the only target of an address, also through an alias, or as a decision of a moderator.

        Raises Unavailable while the copy of the address book does not know it yet.
        """
        copy = self._directory.copy
        deciding = list_of_decision(copy, address) if copy is not None else None
        if deciding is not None:
            return deciding
        if len(targets) != 1 or not targets[0].list_id or copy is None:
            return None
        holder = copy.names.lists.holder(key_of(targets[0].address))
        if not isinstance(holder, KnownList):
            raise Unavailable(f"the mailing list {targets[0].address} is not known yet", "lists")
        return holder

    async def at_recipient(
        self, known: KnownList, client: SmtpClient, reverse_path: Address | None, size: int
    ) -> Reply | None:
        """The refusal of a list as a recipient, as far as the envelope shows it. Raises ServiceError.

        `size` is what the client declared; 0: it did not.
        """
        if reverse_path is None:
            return replies.list_refuses(NoPost.NULL_SENDER.value)
        if client.is_authenticated and asks_moderation(known):
            return await self._moderation.refusal(known, Author(client.user, client.account), size)
        if not client.is_authenticated or not _asks_membership(known):
            return None
        return await self._refusal(known, pb.MayPostRequest(user=client.user, account=client.account))

    async def at_end(
        self, known: KnownList, header: bytes, reverse_path: Address | None, checked: Checked, author: str, size: int
    ) -> Reply | None:
        """The refusal of a message from another server. `author` is its first author. Raises ServiceError."""
        reason = no_post(known.address, str(reverse_path or ""), header)
        if reason is NoPost.LOOP:
            return replies.list_loop()
        if reason is not None:
            return replies.list_refuses(reason.value)
        if asks_moderation(known):
            return await self._moderation.refusal(known, Author(author=_proven(checked.checks, author)), size)
        if not _asks_membership(known):
            return None
        return await self._refusal(known, pb.MayPostRequest(author=_proven(checked.checks, author)))

    async def _refusal(self, known: KnownList, request: pb.MayPostRequest) -> Reply | None:
        request.name = known.id
        try:
            may = await self._lists.MayPost(request)
        except NotFound:
            return replies.no_such_mailbox()
        if known.purpose == "leave":
            return None if may.may_leave else replies.list_refuses(NoPost.NO_MEMBER_LEAVES.value)
        return None if may.allowed else replies.list_refuses(NoPost.NOT_MEMBER.value)


def _asks_membership(known: KnownList) -> bool:
    return known.members_only or known.purpose == "leave"


def _proven(checks: tuple[RecordedCheck, ...], author: str) -> str:
    """The author if DMARC proves its domain; empty otherwise."""
    domain = author.rpartition("@")[2].lower()
    passes = any(
        check.name == "dmarc" and check.result == "pass" and check.detail.get("author_domain") == domain
        for check in checks
    )
    return author if passes else ""
