"""Prepares an installation before any process starts: folders, settings, credentials, and the launcher's lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailfold import catalogue
from mailfold.launcher import capabilities
from mailfold.launcher.capabilities import show_memory
from mailfold.launcher.credentials import Parts, make_parts
from mailfold.launcher.ownership import give_folder, server_identity
from mailfold.layouts import CONTAINERS, LAYOUTS, Layout
from mailfold.operator.identity import ROOT, Identity, acting_as, become, check_readable
from shared.places import Places
from shared.server_settings import ServerSettings
from shared.settings import Mistake, Settings, SettingsError, environment_name, load


class RunsAlready(Exception):
    """Another launcher runs with this data folder."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A data folder that is ready to start."""

    places: Places
    settings: Settings
    layout: Layout
    flags: Mapping[str, str]
    lock: int
    parts: Parts
    """The tokens for each process."""

    @property
    def environment(self) -> dict[str, str]:
        """The flags as environment variables for the processes."""
        return {environment_name(name): value for name, value in self.flags.items()}


def prepare(data: Path, flags: Mapping[str, str]) -> Installation:
    """Prepare the installation, and become the user that the server runs as.

    Raises SettingsError with every mistake, CannotBecome, RunsAlready, OSError.
    """
    places = Places(data)
    settings = load(catalogue.sections(), places.settings_file, os.environ, flags)
    server = settings.of(ServerSettings)
    if server.layout == CONTAINERS:
        advice = "a container engine starts the services (`docker compose up`), and `mailfold up` does not"
        raise SettingsError([Mistake("server.layout", "containers", advice)])
    layout = LAYOUTS[server.layout]
    identity = server_identity(server.user, places.data)
    if identity is None:
        lock = _make_and_lock(places)
    else:
        give_folder(places.data, identity)
        with acting_as(identity):
            check_readable(identity)
            lock = _make_and_lock(places)
    parts = make_parts(places, layout)  # root makes the operator's tokens, so that only root can read them
    _become(identity)
    show_memory(server.traceable)
    return Installation(places, settings, layout, flags, lock, parts)


def _make_and_lock(places: Places) -> int:
    places.make()
    return _lock(places)


def _become(identity: Identity | None) -> None:
    if identity is not None:
        with capabilities.kept():
            become(identity)
        os.environ.update(HOME=identity.home, USER=identity.name, LOGNAME=identity.name)
    elif os.geteuid() != ROOT:
        capabilities.keep_binding()


def _lock(places: Places) -> int:
    handle = os.open(places.run / "mailfold.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise RunsAlready(
            f"Mailfold runs already with {places.data}; `mailfold status --data {places.data}` shows it"
        ) from error
    return handle
