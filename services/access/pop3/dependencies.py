"""What all POP3 sessions of the process share."""

from __future__ import annotations

from dataclasses import dataclass

from services.access.adapters.maildrops import MaildropsClient
from services.access.adapters.mailstore import MailstoreClient
from services.access.session.backend import LogInDependencies
from services.access.session.versions import Versions
from services.access.settings import Pop3Settings
from shared.blobs.port import Blobs


@dataclass(frozen=True, slots=True)
class PopDependencies:
    """The maildrops and the bodies. `log_ins` admits one session of an account at a time (RFC 1939 §4)."""

    log_ins: LogInDependencies
    mailstore: MailstoreClient
    maildrops: MaildropsClient
    blobs: Blobs
    versions: Versions
    limits: Pop3Settings
