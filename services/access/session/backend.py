"""The dependencies that all sessions of the process share."""

from __future__ import annotations

from dataclasses import dataclass

from services.access.adapters.annotations import AnnotationsClient
from services.access.adapters.directory import DirectoryClient
from services.access.adapters.mailstore import MailstoreClient
from services.access.session.admission import Admission
from services.access.session.log_in_watch import LoginWatch
from services.access.session.recents import Recents
from services.access.session.versions import Versions
from services.access.settings import AccessSettings
from shared.blobs.disk_room import DiskRoom
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.ids import Ids
from shared.turns import Turns


@dataclass(frozen=True, slots=True)
class ImapDependencies:
    """The other services, the blob store, and the limits."""

    settings: AccessSettings
    mailstore: MailstoreClient
    annotations: AnnotationsClient
    directory: DirectoryClient
    blobs: Blobs
    room: DiskRoom
    versions: Versions
    admission: Admission
    log_in_watch: LoginWatch
    recents: Recents
    turns: Turns
    ids: Ids
    clock: Clock
    host: str
