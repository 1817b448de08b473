"""Decides which posts wait for moderators, and carries out what moderators decide."""

from __future__ import annotations

import msgspec

from services.delivery.domain.held_posts import TEXT_LIMIT, held, post_id, stream_of
from services.delivery.domain.list_rules import refused
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from services.delivery.handlers.held_post_rows import HeldRow, held_row, waiting
from shared.clock import Clock
from shared.events.delivery import Step
from shared.events.moderation import PostApproved, PostRefused
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance
from shared.grpc.channel import Channel
from shared.grpc.errors import Invalid, NotFound, NotNow
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.mailing_list.post import NoPost
from shared.protocol.srs.decision import Decision, is_decision
from shared.protocol.srs.member import MemberReturnPath, parse_member_return_path
from shared.routing.known_lists import KnownList
from shared.rpc.mailfold.directory.v1 import moderators_pb2 as pb
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsStub

_DAYS_OF_REMOVED = 1
_IN_FLIGHT = 2
"""The room in comparison with the setting for mail from other servers, of which the ingress has refused what was too
much when it came: posts that came at the same time are not lost."""


class DecisionAsked(msgspec.Struct, frozen=True):
    """A decision by mail: a refusal, or who decides what."""

    refusal: NoPost | None = None
    moderator: str = ""
    decision: Decision = Decision.REFUSE


class Moderation:
    """The decisions. Every method raises ServiceError when it must be tried again later."""

    def __init__(self, store: EventStore, directory: Channel, return_paths: KeptReturnPaths, clock: Clock) -> None:
        self._store = store
        self._moderators = ModeratorsStub(directory)
        self._return_paths = return_paths
        self._clock = clock

    async def judged(self, mail: AcceptedMail, step: Step, known: KnownList) -> Step:
        """The step of a moderated list: the post goes to its members, waits, or is refused."""
        judged = await self._judged(mail, step, known)
        return refused(mail, step, judged) if isinstance(judged, NoPost) else judged

    async def nested(self, mail: AcceptedMail, step: Step, known: KnownList) -> Step:
        """The step of a moderated list in a list: what it would refuse waits, because the outer list is a member."""
        judged = await self._judged(mail, step, known, is_nested=True)
        if isinstance(judged, NoPost):
            return msgspec.structs.replace(step, action=StepAction.DISCARD, reason=judged.value)
        return judged

    async def _judged(
        self, mail: AcceptedMail, step: Step, known: KnownList, *, is_nested: bool = False
    ) -> Step | NoPost:
        if not known.is_moderated or mail.approved_list == known.id:
            return step
        reply = await self._moderators.JudgePost(_author(known.id, mail.user, mail.account, mail.proven_author))
        if mail.spam and not reply.is_member:
            return NoPost.SPAM
        if not reply.allowed and not is_nested:
            return NoPost.NOT_MEMBER
        if reply.allowed and not reply.held:
            return step
        part = 1 if mail.submitted else _IN_FLIGHT
        size = mail.message.size
        if not await self.has_room(known.id, size, part * reply.most_posts, part * reply.most_bytes):
            return NoPost.NO_ROOM
        return msgspec.structs.replace(step, action=StepAction.HOLD)

    async def has_room(self, list_id: str, size: int, most_posts: int, most_bytes: int) -> bool:
        """Whether one more post of this size may wait."""
        posts, octets = await self._store.read(lambda reader: waiting(reader, list_id))
        return posts < most_posts and octets + size <= most_bytes

    async def hold(self, mail: AcceptedMail, step: Step) -> None:
        """Hold a post, once."""
        post = post_id(mail.queue_id, step.list_id)
        try:
            days = (await self._moderators.ShowModeration(pb.ModerationRequested(name=step.list_id))).days
        except NotFound:
            days = _DAYS_OF_REMOVED
        event = held(mail, step, self._clock.now(), days)
        provenance = msgspec.structs.replace(current_provenance(), correlation=event.queue_id)

        def work(tx: Transaction) -> None:
            if not tx.version(stream_of(post)):
                tx.append(stream_of(post), [event], provenance, owner=step.list_id)

        await self._store.write(work)

    async def asked(self, mail: AcceptedMail, step: Step) -> Step:
        """The step of a mail to the address for a decision, with the moderator who is proven to have written it."""
        asked = await self.check(step.address, step.list_id, mail.user, mail.account, mail.proven_author)
        if asked.refusal is not None:
            return refused(mail, step, asked.refusal)
        return msgspec.structs.replace(step, moderator=asked.moderator, rule=asked.decision.value)

    async def check(self, address: str, list_id: str, user: str, account: str, author: str) -> DecisionAsked:
        """Who decides what with a mail to an address, or why nothing is decided."""
        path = _path_of(address)
        try:
            listed = (await self._moderators.ListModeratorsOf(_author(list_id, user, account, author))).moderators
        except NotFound:
            return DecisionAsked(NoPost.DECIDED)
        if path is None or not listed:
            return DecisionAsked(NoPost.NO_MODERATOR)
        for moderator in listed:
            read = await self._return_paths.decision_of(path, list_id, moderator)
            if isinstance(read, Decision):
                row = await self._store.read(lambda reader: held_row(reader, list_id, path.member_id))
                waits = row is not None and row.state == "held"
                return DecisionAsked(None if waits else NoPost.DECIDED, moderator, read)
        return DecisionAsked(NoPost.NOT_THIS_MODERATOR)

    async def decide_by_mail(self, step: Step) -> None:
        """Carry out what a mail decides; nothing when the post was decided about meanwhile."""
        provenance = current_provenance()

        def work(tx: Transaction) -> None:
            row = held_row(tx, step.list_id, step.member)
            if row is not None and row.state == "held":
                _append(tx, row, Decision(step.rule), (step.moderator, "mail", ""), provenance)

        await self._store.write(work)

    async def decide(self, list_id: str, post: str, text_of_decision: str, moderator: str, text: str) -> HeldRow:
        """Decide by command; returns the row of the post. Raises Invalid, NotFound and NotNow."""
        try:
            decision = Decision(text_of_decision)
        except ValueError as error:
            raise Invalid(f"{text_of_decision!r} is no decision: approve or refuse", "decision") from error
        if len(text) > TEXT_LIMIT or not text.isprintable():
            raise Invalid(f"a text has at most {TEXT_LIMIT} printable characters", "text")
        provenance = current_provenance()

        def work(tx: Transaction) -> HeldRow:
            row = held_row(tx, list_id, post)
            if row is None:
                raise NotFound(f"no post {post} waits on this mailing list: `mailfold list held` shows them", "post")
            if row.state != "held" and not tx.answered(provenance.command):
                raise NotNow(f"the post {post} is {row.state} already", "decided")
            if row.state == "held":
                _append(tx, row, decision, (moderator, "command", text), provenance)
            return held_row(tx, list_id, post) or row

        return await self._store.write(work)


def _append(
    tx: Transaction, row: HeldRow, decision: Decision, decided: tuple[str, str, str], provenance: Provenance
) -> None:
    """Append a decision: the moderator, the way, and the text for the author."""
    moderator, by, text = decided
    event = (
        PostApproved(row.id, row.queue_id, row.list_id, moderator, by)
        if decision is Decision.APPROVE
        else PostRefused(row.id, row.queue_id, row.list_id, moderator, by, text)
    )
    own = msgspec.structs.replace(provenance, correlation=row.queue_id)
    tx.append(stream_of(row.id), [event], own, owner=row.list_id)


def _author(list_id: str, user: str, account: str, author: str) -> pb.JudgePostRequest:
    """Who wrote a mail, as far as it is proven."""
    return pb.JudgePostRequest(name=list_id, user=user, account=account, author=author)


def _path_of(address: str) -> MemberReturnPath | None:
    try:
        path = parse_member_return_path(parse_address(address))
    except AddressError:
        return None
    return path if path is not None and is_decision(path) else None
