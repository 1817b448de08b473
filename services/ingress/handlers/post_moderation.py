"""Decides the replies to posts of moderated lists, and to the mails with which moderators decide about them.

A post that has to wait is accepted while there is room for it; later it would be too late to refuse it.
"""

from __future__ import annotations

import msgspec

from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.protocol.address.address import Address
from shared.protocol.mailing_list.post import NoPost
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply
from shared.protocol.srs.decision import is_decision
from shared.protocol.srs.member import parse_member_return_path
from shared.routing.address_book import AddressBook
from shared.routing.known_lists import KnownList
from shared.rpc.mailfold.delivery.v1 import heldposts_pb2
from shared.rpc.mailfold.delivery.v1.heldposts_pb2_grpc import HeldPostsStub
from shared.rpc.mailfold.directory.v1 import moderators_pb2
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsStub


class Author(msgspec.Struct, frozen=True):
    """Who wrote a message, as far as it is proven: by a log-in, or by DMARC."""

    user: str = ""
    account: str = ""
    author: str = ""


class PostModeration:
    """Asks the directory which posts have to wait, and delivery whether there is room. Nobody else pays for it."""

    def __init__(self, directory: Channel, delivery: Channel) -> None:
        self._moderators = ModeratorsStub(directory)
        self._held = HeldPostsStub(delivery)

    async def refusal(self, known: KnownList, author: Author, size: int) -> Reply | None:
        """The refusal of a post of `size` octets, or of a decision. Raises ServiceError."""
        if known.purpose == "decide":
            return await self._no_decision(known, author)
        request = moderators_pb2.JudgePostRequest(
            name=known.id, user=author.user, account=author.account, author=author.author
        )
        try:
            judged = await self._moderators.JudgePost(request)
        except NotFound:
            return replies.no_such_mailbox()
        if not judged.allowed:
            return replies.list_refuses(NoPost.NOT_MEMBER.value)
        if not judged.held:
            return None
        room = await self._held.Room(
            heldposts_pb2.RoomRequest(
                list_id=known.id, size=size, most_posts=judged.most_posts, most_bytes=judged.most_bytes
            )
        )
        return replies.list_has_no_room(room.refusal) if room.refusal else None

    async def _no_decision(self, known: KnownList, author: Author) -> Reply | None:
        checked = await self._held.CheckDecision(
            heldposts_pb2.CheckDecisionRequest(
                address=known.address,
                list_id=known.id,
                user=author.user,
                account=author.account,
                author=author.author,
            )
        )
        return replies.list_refuses(checked.refusal) if checked.refusal else None


def asks_moderation(known: KnownList) -> bool:
    """Whether a mail to this address may have to wait, or is a decision."""
    return known.purpose == "decide" or (known.purpose == "post" and known.is_moderated)


def list_of_decision(copy: AddressBook, address: Address) -> KnownList | None:
    """The list about whose posts a moderator decides with mail to an address; the address proves nothing yet."""
    path = parse_member_return_path(address) if copy.names.lists else None
    if path is None or not is_decision(path):
        return None
    known = copy.names.lists.by_return_path(path)
    return None if known is None else msgspec.structs.replace(known, address=str(address), purpose="decide")
