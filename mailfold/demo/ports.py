"""Chooses the port offset of a demo for which none was given, and the port of its sink."""

from __future__ import annotations

import errno
import os
import socket

from mailfold import catalogue
from shared.places import Places
from shared.server_settings import ServerSettings
from shared.settings import load

HIGH_OFFSET = 10_000
SINK_PORT = 2525
LOOPBACK = "127.0.0.1"
_HIGHEST = 65_535
_TRIED = (25, 465, 587, 993, 4190)
_TAKEN = (errno.EACCES, errno.EADDRINUSE)


def chosen_offset(places: Places) -> int | None:
    """The offset: None when the settings give one; otherwise 0 when the well-known ports can be bound, else 10000.

    Raises SettingsError.
    """
    settings = load(catalogue.sections(), places.settings_file, os.environ)
    source = next(setting.source for setting in settings.described() if setting.name == "server.port_offset")
    if source != "default":
        return None
    return (
        0
        if all(_can_bind(address, port) for address in settings.of(ServerSettings).bind for port in _TRIED)
        else HIGH_OFFSET
    )


def sink_port(places: Places, offset: int | None, before: int) -> int:
    """A free port for the sink: that of the last start, else 2525 with the offset, else any. Raises SettingsError."""
    if offset is None:
        settings = load(catalogue.sections(), places.settings_file, os.environ)
        offset = settings.of(ServerSettings).port_offset
    for port in (before, SINK_PORT + offset):
        if 0 < port <= _HIGHEST and _can_bind(LOOPBACK, port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _can_bind(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno not in _TAKEN
    return True
