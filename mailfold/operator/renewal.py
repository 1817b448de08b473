"""Lets the processes of a running server read their settings again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from mailfold import catalogue
from mailfold.operator.failure import UNUSABLE, CommandFailed, in_containers, not_running
from mailfold.supervisor.report import Process, Report, State, read_report
from shared.places import Places
from shared.server_settings import ServerSettings
from shared.settings import SettingsError, load

_PATIENCE = 120.0
_LOOK_SECONDS = 0.1


def renew_services(data: Path) -> list[Process]:
    """Restart the services one after the other, and wait until all run. Raises CommandFailed.

    Settings that cannot be used change nothing.
    """
    places = Places(data)
    if in_containers():
        _check_settings(places)
        raise CommandFailed(
            "the services run in containers: `docker compose restart` lets changed settings take effect", UNUSABLE
        )
    before = read_report(places.processes)
    if before is None or not before.alive:
        raise not_running(data)
    _check_settings(places)
    try:
        os.kill(before.supervisor, signal.SIGUSR1)
    except PermissionError as error:
        raise CommandFailed("run the command as root, or as who started the server", UNUSABLE) from error
    end = time.monotonic() + _PATIENCE
    while not (renewed := _renewed(before, read_report(places.processes))):
        if time.monotonic() > end:
            raise CommandFailed("not every service runs again yet; `mailfold status` shows which")
        time.sleep(_LOOK_SECONDS)
    return renewed


def _check_settings(places: Places) -> None:
    try:
        load(catalogue.sections(), places.settings_file, os.environ).of(ServerSettings)
    except SettingsError as error:
        mistakes = "\n".join(f"  {mistake}" for mistake in error.mistakes)
        raise CommandFailed(f"settings that cannot be used, so nothing was restarted:\n{mistakes}", UNUSABLE) from error


def _renewed(before: Report, now: Report | None) -> list[Process]:
    """The processes of the services, if all of them were started after the earlier report and run."""
    started = {process.name: process.started for process in before.processes}
    services = [process for process in now.processes if process.services] if now is not None else []
    is_done = all(
        process.state is State.RUNNING and process.started > started.get(process.name, 0) for process in services
    )
    return services if is_done else []
