"""Settings of the server as a whole."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from shared.blobs.settings import BlobSettings
from shared.bus.settings import BusSettings
from shared.opensearch.settings import OpenSearchSettings
from shared.scripts.settings import SieveSettings
from shared.settings import Section


class ServerSettings(Section, frozen=True):
    """Settings that are the same for every service."""

    hostname: Annotated[
        str,
        Meta(description="The mail host name: banners, Received headers, certificates. Empty: this machine's name."),
    ] = ""
    bind: Annotated[tuple[str, ...], Meta(description="Addresses to listen on, comma-separated.", min_length=1)] = (
        "127.0.0.1",
    )
    port_offset: Annotated[
        int,
        Meta(
            description="Added to every well-known port: 10000 gives 10025, 10465, 10587, 10993, 14190.",
            ge=0,
            le=61_000,
        ),
    ] = 0
    layout: Annotated[
        Literal["small", "split", "containers"],
        Meta(
            description="small: three processes; split: every service in its own; containers: as split, and a "
            "container engine starts them (docs/compose.md)."
        ),
    ] = "small"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Lowest level of the messages that are written to the log files."),
    ] = "info"
    store: Annotated[
        str,
        Meta(
            description="postgresql:// address of the event stores; empty: SQLite files in the data folder.",
            extra={"secret": True},
        ),
    ] = ""
    tls_minimum: Annotated[
        Literal["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
        Meta(description="The oldest TLS version that is accepted."),
    ] = "TLSv1.2"
    client_authorities: Annotated[
        str,
        Meta(
            description="File with the authorities whose certificates let users log in without a password (SASL "
            "EXTERNAL): the mail address in a certificate is the account. Empty: no certificates are asked for. Mail "
            "from other servers is never asked."
        ),
    ] = ""
    restart_longest: Annotated[
        float,
        Meta(
            description="Longest pause, in seconds, before a process that crashed again and again is started again.",
            ge=0.25,
            le=3600,
        ),
    ] = 30.0
    user: Annotated[
        str,
        Meta(
            description="The user, by name or number, that the server runs as when root starts it. Empty: the owner "
            "of the data folder."
        ),
    ] = ""
    traceable: Annotated[
        bool,
        Meta(
            description="Let other processes of the server's user read the memory of its processes, as profilers and "
            "memory meters need."
        ),
    ] = False
    call_timeout: Annotated[float, Meta(description="Seconds a call between services may take.", gt=0, le=600)] = 30.0

    @property
    def host(self) -> str:
        """The mail host name in force."""
        return self.hostname or socket.getfqdn() or "localhost"


class BlobSection(Section, frozen=True):
    """How message bodies are kept."""

    spool_bytes: Annotated[
        int,
        Meta(description="Octets of a body kept in memory before it goes to a temporary file.", ge=131072, le=67108864),
    ] = 262144
    level: Annotated[int, Meta(description="zstd level of stored bodies.", ge=1, le=19)] = 1
    packed_octets: Annotated[
        int,
        Meta(
            description="Octets of a compressed body with its scan up to which it goes into a pack with others, which"
            " costs a third of the CPU of a file of its own. 0: every body is a file. What is stored stays.",
            ge=0,
            le=65_536,
        ),
    ] = 32_768

    @property
    def in_force(self) -> BlobSettings:
        """The settings in the form that the blob store takes."""
        return BlobSettings(spool_bytes=self.spool_bytes, level=self.level, packed_octets=self.packed_octets)


class UndoSettings(Section, frozen=True):
    """The part of the section `outbound` that the ingress obeys; the outbound queue extends it."""

    undo_seconds: Annotated[
        float,
        Meta(
            description="Seconds for which each mail of a user is kept before it goes anywhere, so that `mailfold "
            "submissions cancel` can take it back. 0: it goes at once.",
            ge=0,
            le=86_400,
        ),
    ] = 0.0


SHARED_SECTIONS: Mapping[str, type[Section]] = {
    "server": ServerSettings,
    "bus": BusSettings,
    "blobs": BlobSection,
    "outbound": UndoSettings,
    "sieve": SieveSettings,
    "opensearch": OpenSearchSettings,
}
"""The sections that every service knows; a service may extend one."""
