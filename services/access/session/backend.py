"""What all sessions of the process share."""

from __future__ import annotations

from dataclasses import dataclass

from services.access.adapters.directory import Directory
from services.access.adapters.mailstore import Mailstore
from services.access.session.admission import Admission
from services.access.session.recents import Recents
from services.access.session.standing import Standing
from services.access.session.versions import Versions
from services.access.settings import AccessSettings
from shared.blobs.disk_room import DiskRoom
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.ids import Ids
from shared.turns import Turns


@dataclass(frozen=True, slots=True)
class Backend:
    """Other services, the blob store, and the limits."""

    settings: AccessSettings
    mailstore: Mailstore
    directory: Directory
    blobs: Blobs
    room: DiskRoom
    versions: Versions
    admission: Admission
    standing: Standing
    recents: Recents
    turns: Turns
    ids: Ids
    clock: Clock
    host: str
