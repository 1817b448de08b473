"""Notifications for senders: each is built once, stored as a blob, and recorded before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import StepAction
from services.delivery.domain.success import successes_to_report
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.events.delivery import Step
from shared.ids import IdKind, Ids
from shared.owner.addressees import AddresseeOf
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import parse_address
from shared.protocol.dsn.action import DsnAction, is_reported
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.report import MOST_RECIPIENTS, build
from shared.protocol.dsn.returned import RETURNED_MESSAGE
from shared.protocol.languages.addressee import Addressee
from shared.protocol.smtp.codes import POSTMASTER
from shared.routing.resolution import Resolution, ResolutionKind
from shared.scans import scan_of, store_message


class FailedStep(NamedTuple):
    """A step that can never succeed."""

    step: Step
    reason: str
    status: str
    """The enhanced status code, such as `5.2.2` (RFC 3463)."""


class Notices:
    """Writes delivery status notifications."""

    def __init__(
        self, blobs: Blobs, book: FollowedBook, clock: Clock, ids: Ids, host: str, addressee_of: AddresseeOf
    ) -> None:
        self._blobs = blobs
        self._book = book
        self._clock = clock
        self._ids = ids
        self._host = host
        self._addressee_of = addressee_of

    async def steps(self, mail: AcceptedMail, failures: Sequence[FailedStep], first_index: int) -> tuple[Step, ...]:
        """The steps that notify the sender of these failures; none when nobody is to be notified."""
        return await self._notifying(mail, _requested(mail, failures), first_index)

    async def successes(self, mail: AcceptedMail, done: Sequence[Step], first_index: int) -> tuple[Step, ...]:
        """The steps that notify the sender of the copies that are stored here; none when nobody asked for that."""
        return await self._notifying(mail, successes_to_report(mail, done), first_index)

    async def _notifying(
        self, mail: AcceptedMail, reports: Sequence[RecipientReport], first_index: int
    ) -> tuple[Step, ...]:
        """A notification for each `MOST_RECIPIENTS` of the reports, with a step for each target of the sender."""
        if not reports or not mail.reverse_path:
            return ()
        way = await self._book.resolve(parse_address(mail.reverse_path))
        if way.kind not in (ResolutionKind.ACCOUNTS, ResolutionKind.REMOTE):
            return ()
        original, to = await self._original(mail), Addressee(mail.reverse_path)
        if way.kind is ResolutionKind.ACCOUNTS:
            to = await self._addressee_of(mail.reverse_path)
        steps: list[Step] = []
        for start in range(0, len(reports), MOST_RECIPIENTS):
            chosen = reports[start : start + MOST_RECIPIENTS]
            first = chosen[0]
            author_domain = _author_domain(mail, first.recipient, way)
            blob, size, message_id = await self._write_report(original, chosen, author_domain, to)
            for target in way.targets:
                if target.list_id:  # a list takes no notification as a post
                    continue
                steps.append(
                    Step(
                        first.recipient,
                        first_index + len(steps),
                        StepAction.STORE if target.account else StepAction.ENQUEUE,
                        account=target.account,
                        address=target.address,
                        blob=blob,
                        size=size,
                        reason=first.reason,
                        message_id=message_id,
                        rule="delivery status notification",
                    )
                )
        return tuple(steps)

    async def _write_report(
        self, original: Original, reports: Sequence[RecipientReport], author_domain: str, to: Addressee
    ) -> tuple[str, int, str]:
        identity = self._ids.new(IdKind.COMMAND)
        message_id = f"{identity}@{self._host}"
        author = f"{POSTMASTER}@{author_domain}"
        reporter = Reporter(self._host, author, self._clock.now(), message_id, f"mailfold-{identity}")
        data = build(original, reports, reporter, to)
        reference = await store_message(self._blobs, data)
        return reference.id, reference.size, message_id

    async def _original(self, mail: AcceptedMail) -> Original:
        header, body = b"", b""
        try:
            blob = await self._blobs.read(BlobId(mail.message.blob))
            end = (await scan_of(self._blobs, blob)).header_end
            if not mail.require_tls:  # the report leaves without REQUIRETLS, so it has no header (RFC 8689 §5)
                header = blob.read(0, end)
            if mail.ret.upper() == "FULL" and blob.body_size <= RETURNED_MESSAGE:
                body = blob.read(end, blob.body_size)
        except BlobError:
            header, body = b"", b""  # the mail cannot be read; the sender is notified without its header and body
        return Original(
            mail.queue_id,
            mail.reverse_path,
            self._clock.now(),
            header,
            body,
            mail.envid,
            mail.message.subject,
            mail.message.smtputf8,
            content_withheld=mail.require_tls,
        )


def _requested(mail: AcceptedMail, failures: Sequence[FailedStep]) -> list[RecipientReport]:
    """The failures that the sender wants to be notified of (RFC 3461 §4.1). Each is listed once."""
    recipients = {recipient.address: recipient for recipient in mail.recipients}
    requested: dict[RecipientReport, None] = {}
    for failure in failures:
        recipient = recipients.get(failure.step.recipient)
        notify, orcpt = (recipient.notify, recipient.orcpt) if recipient else ("", "")
        if is_reported(notify, DsnAction.FAILED):
            requested[RecipientReport(failure.step.recipient, failure.status, failure.reason, orcpt=orcpt)] = None
    return list(requested)


def _author_domain(mail: AcceptedMail, recipient: str, way: Resolution) -> str:
    """A domain of ours: that of a local sender, else that of the recipient, who is then local."""
    ours = mail.reverse_path if way.kind is ResolutionKind.ACCOUNTS else recipient
    return parse_address(ours).domain
