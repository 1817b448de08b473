"""A door: one kind of listener, what its sessions are told, and how many clients it lets in."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

import msgspec

from services.ingress.endpoints.session_config import session_config
from services.ingress.settings import IngressSettings
from shared.protocol.smtp.config import Port, SessionConfig

STARTTLS = "starttls"
IMPLICIT = "implicit"


class Guest(Protocol):
    """An open connection."""

    def dismiss(self) -> None:
        """End it in order: as soon as it is idle."""

    def abort(self) -> None:
        """End it now."""


class Kind(msgspec.Struct, frozen=True):
    """The protocol of a port."""

    name: str
    port: int
    """Well-known."""
    purpose: Port
    tls: str


KINDS = (
    Kind("smtp", 25, Port.RELAY, STARTTLS),
    Kind("submission", 587, Port.SUBMISSION, STARTTLS),
    Kind("submissions", 465, Port.SUBMISSION, IMPLICIT),  # RFC 8314
)


class Door:
    """One port: its sessions' configuration and its guests."""

    def __init__(self, kind: Kind, hostname: str, settings: IngressSettings) -> None:
        self.kind = kind
        self._settings = settings
        self._guests: dict[Guest, str] = {}
        self._by_address: Counter[str] = Counter()
        self.emptied = asyncio.Event()
        """Set while nobody is there."""
        self.emptied.set()
        self._config = session_config(kind.purpose, hostname, settings, implicit_tls=kind.tls == IMPLICIT)

    def config(self, session: str) -> SessionConfig:
        """What a new session is told."""
        return msgspec.structs.replace(self._config, session_id=session)

    def enter(self, guest: Guest, address: str) -> bool:
        """Let a connection in; False when there are too many. It leaves in any case."""
        self._guests[guest] = address
        self.emptied.clear()
        self._by_address[address] += 1
        if len(self._guests) > self._settings.max_connections:
            return False
        return self._by_address[address] <= self._settings.max_connections_per_address or _is_loopback(address)

    def leave(self, guest: Guest) -> None:
        """The connection is closed."""
        address = self._guests.pop(guest, None)
        if address is None:
            return
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        if not self._guests:
            self.emptied.set()

    def __len__(self) -> int:
        return len(self._guests)

    def __iter__(self) -> Iterator[Guest]:
        return iter(list(self._guests))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
