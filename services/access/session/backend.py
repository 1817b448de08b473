"""The dependencies that all sessions of the process share."""

from __future__ import annotations

from dataclasses import dataclass

from services.access.adapters.annotations import AnnotationsClient
from services.access.adapters.directory import DirectoryClient
from services.access.adapters.mailstore import MailstoreClient
from services.access.adapters.ordering import OrderingClient
from services.access.adapters.scripts import ScriptsClient
from services.access.adapters.sharing import SharingClient
from services.access.session.admission import Admission
from services.access.session.log_in_watch import LoginWatch
from services.access.session.namespaces import Namespaces
from services.access.session.previews import Previews
from services.access.session.read_bodies import ReadBodies
from services.access.session.recents import Recents
from services.access.session.versions import Versions
from services.access.session.withholding import Withholding
from services.access.settings import AccessSettings, ManageSieveSettings
from shared.blobs.disk_room import DiskRoom
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.ids import Ids
from shared.scripts.settings import SieveSettings
from shared.turns import Turns


@dataclass(frozen=True, slots=True)
class LogInDependencies:
    """What the sessions of any protocol need to log in, and the limits."""

    settings: AccessSettings
    directory: DirectoryClient
    admission: Admission
    log_in_watch: LoginWatch
    turns: Turns
    ids: Ids
    clock: Clock
    host: str
    read_bodies: ReadBodies


@dataclass(frozen=True, slots=True)
class ImapDependencies:
    """The other services, and the blob store."""

    log_ins: LogInDependencies
    mailstore: MailstoreClient
    annotations: AnnotationsClient
    ordering: OrderingClient
    sharing: SharingClient
    namespaces: Namespaces
    blobs: Blobs
    room: DiskRoom
    versions: Versions
    recents: Recents
    withholding: Withholding
    previews: Previews
    script_server: str
    """The URL of the server on which the scripts of mailboxes are managed (RFC 5804 §3); empty where none may run."""

    @property
    def settings(self) -> AccessSettings:
        """The limits."""
        return self.log_ins.settings

    @property
    def turns(self) -> Turns:
        """The turns of all sessions of the process."""
        return self.log_ins.turns

    @property
    def clock(self) -> Clock:
        """The clock."""
        return self.log_ins.clock


@dataclass(frozen=True, slots=True)
class ManageSieveDependencies:
    """The scripts, and what they may use."""

    log_ins: LogInDependencies
    scripts: ScriptsClient
    limits: ManageSieveSettings
    sieve: SieveSettings
