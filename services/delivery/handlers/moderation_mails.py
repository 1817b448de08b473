"""Writes the mails about held posts, and hands them over to the ingress, each once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.delivery.domain.moderation_texts import (
    WaitingPost,
    author_notice,
    author_subject,
    moderator_notice,
    moderator_subject,
)
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.events.moderation import ModeratorNotification, PostHeld
from shared.grpc.channel import Channel
from shared.owner.addressees import AddresseeOf
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.dsn.content import Reporter
from shared.protocol.srs.decision import Decision
from shared.routing.known_lists import OWNER, KnownList, service_address
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import SubmitReportRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from shared.scans import store_message


class ModerationMails:
    """The mails. Every method raises ServiceError or BlobError when it must be tried again later."""

    def __init__(
        self,
        blobs: Blobs,
        ingress: Channel,
        return_paths: KeptReturnPaths,
        addressee_of: AddresseeOf,
        clock: Clock,
        host: str,
    ) -> None:
        self._blobs = blobs
        self._ingress = IngressStub(ingress)
        self._return_paths = return_paths
        self._addressee_of = addressee_of
        self._clock = clock
        self._host = host

    async def notify(
        self, notification: ModeratorNotification, known: KnownList, posts: Sequence[PostHeld], more: int
    ) -> None:
        """Notify a moderator of the posts that wait."""
        described = [await self._described(post, known, notification) for post in posts]
        reporter = self._reporter(notification.queue_id, known.address)
        reader = await self._addressee_of(notification.to)
        data = moderator_notice(known.address, described, more, reader, reporter)
        subject = moderator_subject(known.address, len(posts) + more, reader)
        await self._submit(notification.queue_id, notification.to, subject, reporter, data)

    async def notify_author(self, post: PostHeld, text: str, *, expired: bool) -> None:
        """Notify the proven author of a post that was refused or has expired."""
        queue_id = f"q{post.post[1:]}"
        reporter = self._reporter(queue_id, post.list_address)
        reader = await self._addressee_of(post.poster)
        title = "" if post.require_tls else post.message.subject
        data = author_notice(post.list_address, title, text, reader, reporter, expired=expired)
        await self._submit(queue_id, post.poster, author_subject(post.list_address, reader), reporter, data)

    async def _described(self, post: PostHeld, known: KnownList, notification: ModeratorNotification) -> WaitingPost:
        message = post.message
        waiting = WaitingPost(
            post.post,
            message.author,
            bool(post.poster),
            message.subject,
            message.size,
            post.expires_at,
            is_withheld=post.require_tls,
        )
        if not notification.decides:
            return waiting
        approve, refuse = [
            await self._address(post, known, notification, decision) for decision in (Decision.APPROVE, Decision.REFUSE)
        ]
        return msgspec.structs.replace(waiting, approve=approve, refuse=refuse)

    async def _address(
        self, post: PostHeld, known: KnownList, notification: ModeratorNotification, decision: Decision
    ) -> str:
        localpart, _, domain = known.address.rpartition("@")
        name, moderator = (localpart, domain), notification.to
        return str(await self._return_paths.to_decide(name, known.id, post.post, moderator, decision))

    def _reporter(self, queue_id: str, list_address: str) -> Reporter:
        owner = service_address(list_address, OWNER)
        return Reporter(self._host, owner, self._clock.now(), f"{queue_id}@{self._host}", "")

    async def _submit(self, queue_id: str, to: str, subject: str, reporter: Reporter, data: bytes) -> None:
        reference = await store_message(self._blobs, data)
        await self._ingress.SubmitReport(
            SubmitReportRequest(
                queue_id=queue_id,
                to=to,
                author=reporter.author,
                subject=subject,
                message_id=reporter.message_id,
                blob=str(reference.id),
                size=reference.size,
                eight_bit=not data.isascii(),
                smtputf8=not to.isascii(),
            )
        )
