"""Decides about mail to lists: whether a list takes it, and the steps for its members, some members at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from services.delivery.domain.list_progress import MOST_COPIES, PostedList
from services.delivery.domain.list_rules import counted, identity_of, refused
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.member_steps import DEAD, MemberSteps
from services.delivery.domain.size_limits import within_limits_of_members
from services.delivery.domain.step_action import StepAction
from services.delivery.handlers.moderation import Moderation
from services.delivery.handlers.posts import Post, Posts
from services.delivery.handlers.record import DeliveryRecord
from services.delivery.handlers.scripted_planning import ScriptedPlanning
from shared.events.delivery import DeliveryListExpanded, Step
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound, Unavailable
from shared.owner.followed_book import FollowedBook
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.address.address import parse_address
from shared.protocol.dsn.read import MOST_OCTETS, failed_status
from shared.protocol.mailing_list.copy_header import copy_fields
from shared.protocol.mailing_list.post import NoPost, is_automatic, no_post
from shared.routing.address_book import AddressBook, key_of
from shared.routing.known_lists import KnownList
from shared.routing.resolution import Resolution
from shared.rpc.mailfold.directory.v1 import lists_pb2 as pb
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub

MEMBERS_AT_ONCE = 250
"""Members in one decision: with the longest addresses it is a fifth of what the bus carries."""
_STEPS_AT_ONCE = 250
_MEMBERS_BETWEEN_PAUSES = 25
_JUDGED = frozenset({StepAction.LIST, StepAction.COUNT, StepAction.DECIDE})


class ListPosts:
    """Decides. Every method raises ServiceError or BlobError when it must be tried again later."""

    def __init__(
        self,
        book: FollowedBook,
        directory: Channel,
        posts: Posts,
        return_paths: KeptReturnPaths,
        moderation: Moderation,
        planning: ScriptedPlanning,
    ) -> None:
        self._book = book
        self._planning = planning
        self._moderation = moderation
        self._lists = ListsStub(directory)
        self._posts = posts
        self._return_paths = return_paths

    async def judged(self, mail: AcceptedMail, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps of a plan, where lists that do not take the mail have refused it, and bounces have a status."""
        if all(step.action not in _JUDGED for step in steps):
            return tuple(steps)
        post = await self._posts.read(mail)
        return tuple([await self._judge(mail, step, post) if step.action in _JUDGED else step for step in steps])

    async def next_part(self, mail: AcceptedMail, record: DeliveryRecord) -> DeliveryListExpanded | None:
        """The steps for the next members of the mail's lists; None when no list has any more."""
        posted = record.lists.next
        if posted is None:
            return None
        known = self._copy().names.lists.by_id(posted.list_id)
        if known is None or known.disabled:
            return _ended(mail, posted, "the mailing list was removed or disabled meanwhile")
        if record.lists.copies >= MOST_COPIES:
            return _ended(mail, posted, f"one mail goes to at most {MOST_COPIES} members")
        try:
            page = await self._lists.ListMembers(_page_request(posted))
        except NotFound:
            return _ended(mail, posted, "the mailing list was removed meanwhile")
        return await self._part(mail, record, posted, known, page)

    async def _part(
        self, mail: AcceptedMail, record: DeliveryRecord, posted: PostedList, known: KnownList, page: pb.ListMembersPage
    ) -> DeliveryListExpanded:
        post = await self._posts.read(mail)
        blob, size = record.lists.blob_of(known.id) if posted.parts else await self._posts.made(mail, post, known)
        steps = MemberSteps(
            mail, record.lists, posted, known, _direct(record) if known.skip_recipients else frozenset()
        )
        decided = 0
        for member in page.members:
            if len(steps.made) >= _STEPS_AT_ONCE:
                break
            await self._add(steps, known, member)
            decided += 1
            if decided % _MEMBERS_BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
        steps.made = [await self._nested(mail, step) for step in steps.made]
        part = DeliveryListExpanded(
            mail.queue_id,
            posted.recipient,
            known.id,
            known.address,
            posted.parts,
            (),
            copy_fields(identity_of(known), post.header),
            page.members[decided - 1].id if decided else posted.after,
            decided == len(page.members) and not page.has_more,
            blob,
            size,
        )
        planned = await self._planning.of_members(mail, part, steps.made)
        steps.made = await self._redirected(mail, post, steps.made, planned)
        numbered = self._within_limits(steps.numbered(record.next_index), size or mail.message.size)
        return msgspec.structs.replace(part, steps=numbered)

    async def _redirected(self, mail: AcceptedMail, post: Post, made: list[Step], planned: list[Step]) -> list[Step]:
        """The planned steps, where lists to which scripts of members redirect judge the mail like other posts."""
        own = frozenset(made)
        is_new = [step.action in _JUDGED and step not in own for step in planned]
        return [
            _unreported(await self._judge(mail, step, post)) if new else step
            for step, new in zip(planned, is_new, strict=True)
        ]

    def _within_limits(self, steps: tuple[Step, ...], octets: int) -> tuple[Step, ...]:
        copy = self._copy()
        return within_limits_of_members(steps, octets, copy.size_limit_of) if copy.has_size_limits else steps

    async def _add(self, steps: MemberSteps, known: KnownList, member: pb.ListMember) -> None:
        resolution = self._members_of(member.group) if member.group else await self._resolve(member.address)
        return_path = ""
        if any(target.is_remote for target in resolution.targets):
            localpart, _, domain = known.address.rpartition("@")
            return_path = str(await self._return_paths.to_member(localpart, domain, known.id, member.id))
        steps.add(member.id, member.address, resolution, return_path)

    def _members_of(self, group: str) -> Resolution:
        """Where mail to a group goes, which the directory knows."""
        resolution = self._copy().resolve_group(group)
        if resolution is None:
            raise Unavailable(f"the group {group} is not known yet", "groups")
        return resolution

    async def _nested(self, mail: AcceptedMail, step: Step) -> Step:
        """The step, where a moderated list in the list may hold the post."""
        known = self._copy().names.lists.by_id(step.list_id) if step.action == StepAction.LIST else None
        return step if known is None else await self._moderation.nested(mail, step, known)

    async def _resolve(self, text: str) -> Resolution:
        """Where mail to a member goes; what is known to be elsewhere needs no question."""
        address = parse_address(text)
        resolution = self._copy().resolve(address)
        return await self._book.resolve(address) if resolution.kind in DEAD else resolution

    async def _judge(self, mail: AcceptedMail, step: Step, post: Post) -> Step:
        if step.action == StepAction.COUNT:
            return counted(step, failed_status(self._posts.part(post, "message", "delivery-status", MOST_OCTETS)))
        if step.action == StepAction.DECIDE:
            automatic = is_automatic(post.header)
            return refused(mail, step, NoPost.AUTOMATIC) if automatic else await self._moderation.asked(mail, step)
        known = self._copy().names.lists.holder(key_of(step.address))
        if not isinstance(known, KnownList):
            raise Unavailable(f"the mailing list {step.address} is not known yet", "lists")
        reason = no_post(known.address, mail.reverse_path, post.header)
        if reason is not None:
            return refused(mail, step, reason)
        if known.purpose == "post" and known.is_moderated:
            return await self._moderation.judged(mail, step, known)
        if known.purpose == "post" and not known.members_only and not mail.spam:
            return step
        may = await self._lists.MayPost(poster_of(mail, known.id))
        if known.purpose == "leave":
            leaves = msgspec.structs.replace(step, action=StepAction.LEAVE)
            return leaves if may.may_leave else refused(mail, step, NoPost.NO_MEMBER_LEAVES)
        if not may.allowed:
            return refused(mail, step, NoPost.NOT_MEMBER)
        return refused(mail, step, NoPost.SPAM) if mail.spam and not may.is_member else step

    def _copy(self) -> AddressBook:
        copy = self._book.copy
        if copy is None:
            raise Unavailable("the address book is being read", "lists")
        return copy


def poster_of(mail: AcceptedMail, list_id: str) -> pb.MayPostRequest:
    """Who wrote a mail, as far as it is proven."""
    return pb.MayPostRequest(name=list_id, user=mail.user, account=mail.account, author=mail.proven_author)


def _page_request(posted: PostedList) -> pb.ListMembersPageRequest:
    return pb.ListMembersPageRequest(
        name=posted.list_id, after=posted.after, limit=MEMBERS_AT_ONCE, without_paused=True
    )


def _direct(record: DeliveryRecord) -> frozenset[str]:
    """The accounts and addresses that this delivery gives the mail directly."""
    copies = (StepAction.STORE, StepAction.ENQUEUE)
    return frozenset(step.account or step.address.lower() for step in record.steps if step.action in copies)


def _ended(mail: AcceptedMail, posted: PostedList, reason: str) -> DeliveryListExpanded:
    return DeliveryListExpanded(
        mail.queue_id,
        posted.recipient,
        posted.list_id,
        posted.address,
        posted.parts,
        (),
        b"",
        posted.after,
        ended=True,
        reason=reason,
    )


def _unreported(step: Step) -> Step:
    """The step of a list that a member's script names: the author, who does not know of it, hears of no refusal."""
    return msgspec.structs.replace(step, action=StepAction.DISCARD) if step.action == StepAction.BOUNCE else step
