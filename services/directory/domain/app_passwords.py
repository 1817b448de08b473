"""Decisions on app passwords, and what one of them opens."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Mapping, Sequence

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.credentials import AppPasswordAdded, AppPasswordExpired, AppPasswordRemoved
from shared.eventstore.event import Event
from shared.network.address import plain_address

APP_PASSWORDS_PER_USER = 100
NETWORK_LIMIT = 20
NAME_LIMIT = 100
SCOPES = ("imap", "smtp", "pop", "sieve", "api")
_SCOPE_OF: Mapping[str, str] = {
    "imap": "imap",
    "smtp": "smtp",
    "submission": "smtp",
    "submissions": "smtp",
    "pop3": "pop",
    "managesieve": "sieve",
    "api": "api",
}
EXPIRED, WRONG_NETWORK, WRONG_SCOPE = "app-password-expired", "app-password-network", "app-password-scope"
"""Why the right app password is refused; clients are told no more than that it is wrong."""


class AppPasswordRequest(msgspec.Struct, frozen=True):
    """What an operator asks an app password to be."""

    name: str
    scopes: Sequence[str]
    networks: Sequence[str] = ()
    expires_at: int = 0


class AppPasswordState(msgspec.Struct, frozen=True):
    """An app password, without its hash."""

    id: str
    user: str
    name: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    expires_at: int
    expired: bool
    added_at: int
    last_used_at: int
    """UTC microseconds since the epoch, to the hour; 0: it was never used."""
    last_used_from: str


class AppPasswordUse(msgspec.Struct, frozen=True):
    """A log-in with an app password."""

    protocol: str
    address: str
    """The client's address."""
    now: int


def add_app_password(
    existing: Sequence[AppPasswordState],
    user: str,
    identity: str,
    secret_hash: str,
    request: AppPasswordRequest,
    now: int,
) -> list[Event]:
    """Add an app password to those that a user has. Raises DirectoryRefused."""
    name = _name(request.name)
    if any(other.name.casefold() == name.casefold() for other in existing):
        raise DirectoryRefused("taken", f"there is an app password {name} already: remove it first, or choose a name")
    if len(existing) >= APP_PASSWORDS_PER_USER:
        raise DirectoryRefused("invalid", f"a user has at most {APP_PASSWORDS_PER_USER} app passwords")
    if request.expires_at and request.expires_at <= now:
        raise DirectoryRefused("invalid", "the end of an app password lies in the future")
    scopes, networks = _scopes(request.scopes), _networks(request.networks)
    return [AppPasswordAdded(identity, user, name, secret_hash, scopes, networks, request.expires_at)]


def remove_app_password(state: AppPasswordState) -> list[Event]:
    """Remove an app password."""
    return [AppPasswordRemoved(state.id, state.user, state.name)]


def expire_app_password(state: AppPasswordState, now: int) -> list[Event]:
    """Note that the time of an app password is over; no event when it is noted already."""
    if state.expired or not state.expires_at or state.expires_at > now:
        return []
    return [AppPasswordExpired(state.id, state.user)]


def refusal_of_use(state: AppPasswordState, use: AppPasswordUse) -> str:
    """Why the right app password does not open this session; empty when it does."""
    if state.expired or 0 < state.expires_at <= use.now:
        return EXPIRED
    if state.networks and not _is_within(use.address, state.networks):
        return WRONG_NETWORK
    return "" if _SCOPE_OF.get(use.protocol) in state.scopes else WRONG_SCOPE


def _name(text: str) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise DirectoryRefused("invalid", f"the name of an app password has 1 to {NAME_LIMIT} printable characters")
    return name


def _scopes(texts: Sequence[str]) -> tuple[str, ...]:
    unknown = next((text for text in texts if text not in SCOPES), None)
    if unknown is not None or not texts:
        raise DirectoryRefused("invalid", f"an app password is for some of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in texts)


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    if len(texts) > NETWORK_LIMIT:
        raise DirectoryRefused("invalid", f"an app password has at most {NETWORK_LIMIT} networks")
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_network(text.strip())) for text in texts))
    except ValueError as error:
        raise DirectoryRefused("invalid", f"not a network: {error}. Write 192.0.2.0/24 or 2001:db8::/32.") from error


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        client = ipaddress.ip_address(plain_address(address))
    except ValueError:
        return False
    return any(client in ipaddress.ip_network(network) for network in networks)
