"""The dependencies of SMTP connections."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.unknown_recipients import UnknownRecipients
from services.ingress.handlers.acceptance import Acceptance
from services.ingress.handlers.bounce_admission import BounceAdmission
from services.ingress.handlers.checks import SenderChecks
from services.ingress.handlers.list_admission import ListAdmission
from services.ingress.handlers.mailbox_room import MailboxRoom
from services.ingress.handlers.refusals import Refusals
from services.ingress.handlers.submission_counts import SubmissionCounts
from services.ingress.handlers.waiting import WaitingSubmissions
from services.ingress.settings import IngressSettings
from shared.blobs.disk_room import DiskRoom
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.ids import Ids


@dataclass(slots=True)
class Dependencies:
    """The common dependencies of all connections; `tls` is set when the listeners open."""

    settings: IngressSettings
    clock: Clock
    ids: Ids
    blobs: Blobs
    directory: FollowedDirectory
    checks: SenderChecks
    acceptance: Acceptance
    refusals: Refusals
    waiting: WaitingSubmissions
    room: DiskRoom
    authserv_ids: frozenset[str]
    unknown_recipients: UnknownRecipients
    bounces: BounceAdmission
    lists: ListAdmission
    mailbox_room: MailboxRoom
    counts: SubmissionCounts
    tls: ssl.SSLContext | None = None
    tls_of_users: ssl.SSLContext | None = None
    """For submission: it may ask the client for a certificate."""
