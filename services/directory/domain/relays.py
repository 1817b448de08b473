"""Decisions about relays: what an operator gives, checked and completed by the preset."""

from __future__ import annotations

import ipaddress
import re
from typing import get_args

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.sending import RelaySet
from shared.eventstore.event import HIDDEN
from shared.protocol.address.domain import AddressError, is_address_literal, parse_domain
from shared.routing.relay_presets import (
    DIRECT,
    IMPLICIT_PORT,
    PRESETS,
    RelayPreset,
    RelayProperties,
    RelayTls,
    Signatures,
)

USER_LIMIT, PASSWORD_LIMIT = 320, 4096
"""Octets of a user name and of a password; tokens are long."""
MOST_CONNECTIONS, MOST_MESSAGES, MOST_RECIPIENTS = 1000, 1_000_000, 50_000
_REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RequestedRelay(msgspec.Struct, frozen=True):
    """What an operator gave; empty and zero values are those of the preset."""

    preset: str
    region: str = ""
    host: str = ""
    port: int = 0
    tls: str = ""
    user: str = ""
    signatures: str = ""
    connections: int = 0
    messages_per_minute: int = 0
    recipients_per_message: int = 0
    accepts_null_reverse_path: bool | None = None


class RelayState(msgspec.Struct, frozen=True):
    """A relay in force."""

    domain: str
    """The id of its domain; empty: the default relay."""
    domain_name: str
    preset: str
    host: str
    port: int
    tls: str
    user: str
    password: str
    """Sealed; empty without log-in."""
    properties: RelayProperties

    def __repr__(self) -> str:
        return f"RelayState({self.domain_name or 'default'}, {self.preset}, {self.host}, {self.user}, {HIDDEN})"


def with_preset(domain: str, requested: RequestedRelay) -> RelaySet:
    """The event for a requested, without a password. Raises DirectoryRefused."""
    preset = _preset(requested.preset)
    if preset.name == DIRECT:
        if requested != RequestedRelay(DIRECT):
            raise _invalid("the preset direct has no host, user and properties")
        return RelaySet(domain, DIRECT, "", 0, "none")
    tls = _choice(requested.tls, get_args(RelayTls), "TLS") or preset.tls
    _check_properties(requested)
    return RelaySet(
        domain,
        preset.name,
        _host(preset, requested),
        _port(preset, requested.port, tls),
        tls,
        _user(preset, requested.user, tls),
        "",
        _choice(requested.signatures, get_args(Signatures), "signatures"),
        requested.connections,
        requested.messages_per_minute,
        requested.recipients_per_message,
        requested.accepts_null_reverse_path,
    )


def password_octets(text: str) -> bytes:
    """The octets of a password. Raises DirectoryRefused, without the password."""
    octets = text.encode("utf-8", "replace")
    if not octets or len(octets) > PASSWORD_LIMIT or _CONTROL.search(text) is not None:
        raise _invalid(f"a password has 1 to {PASSWORD_LIMIT} octets and no control characters")
    return octets


def present_password(relay: RelaySet, present: RelayState | None) -> str:
    """The sealed password when none was given: the present one of the same host and user. Raises DirectoryRefused."""
    if not relay.user:
        return ""
    if present is None or not present.password or (present.host, present.user) != (relay.host, relay.user):
        raise _invalid(f"{relay.host} wants a password for {relay.user}")
    return present.password


def properties_of(relay: RelaySet) -> RelayProperties:
    """What is in force: the values given, else those of the preset; a preset of another release counts as smarthost."""
    defaults = PRESETS.get(relay.preset, PRESETS["smarthost"]).properties
    given = {
        "signatures": relay.signatures,
        "connections": relay.connections,
        "messages_per_minute": relay.messages_per_minute,
        "recipients_per_message": relay.recipients_per_message,
    }
    properties = msgspec.structs.replace(defaults, **{name: value for name, value in given.items() if value})
    if relay.accepts_null_reverse_path is None:
        return properties
    return msgspec.structs.replace(properties, accepts_null_reverse_path=relay.accepts_null_reverse_path)


def _preset(name: str) -> RelayPreset:
    preset = PRESETS.get(name)
    if preset is None:
        raise _invalid(f"there is no preset {name[:40]!r}: `mailfold relay presets` lists {', '.join(PRESETS)}")
    return preset


def _host(preset: RelayPreset, requested: RequestedRelay) -> str:
    if requested.host:
        return host_name(requested.host)
    if requested.region:
        if not preset.regional_host:
            raise _invalid(f"{preset.name} has no regions")
        if _REGION.fullmatch(requested.region) is None:
            raise _invalid(f"{requested.region[:40]!r} is not a region")
        return preset.regional_host.replace("{region}", requested.region)
    if not preset.host:
        raise _invalid(f"{preset.name} needs {'a region, or ' if preset.regional_host else ''}a host")
    return preset.host


def host_name(text: str) -> str:
    """The canonical form of a host: an IP address without brackets, or a name in A-labels. Raises DirectoryRefused."""
    try:
        if "%" not in text:
            return str(ipaddress.ip_address(text))
    except ValueError:
        pass  # a name
    try:
        name = parse_domain(text)
    except AddressError as error:
        raise _invalid(f"{text[:80]!r} is not a host: {error.reason}") from error
    if is_address_literal(name):
        raise _invalid(f"{text[:80]!r}: write an IP address without brackets")
    return name


def _port(preset: RelayPreset, port: int, tls: str) -> int:
    if not 0 <= port <= 65535:
        raise _invalid(f"{port} is not a port")
    if port:
        return port
    return preset.port if tls == preset.tls else IMPLICIT_PORT if tls == "implicit" else 587 if tls != "none" else 25


def _user(preset: RelayPreset, user: str, tls: str) -> str:
    if len(user.encode("utf-8", "replace")) > USER_LIMIT or not user.isprintable():
        raise _invalid(f"a user name has at most {USER_LIMIT} octets, all of printable characters")
    if preset.log_in == "required" and not user:
        raise _invalid(f"{preset.name} needs a user name: {preset.hint}")
    if user and tls == "none":
        raise _invalid("a password never goes over a connection in clear text: choose starttls or implicit TLS")
    return user


def _check_properties(requested: RequestedRelay) -> None:
    for name, value, most in (
        ("connections", requested.connections, MOST_CONNECTIONS),
        ("messages per minute", requested.messages_per_minute, MOST_MESSAGES),
        ("recipients per message", requested.recipients_per_message, MOST_RECIPIENTS),
    ):
        if not 0 <= value <= most:
            raise _invalid(f"{name}: {value} is not from 1 to {most}")


def _choice(value: str, choices: tuple[str, ...], what: str) -> str:
    if value and value not in choices:
        raise _invalid(f"{what}: {value[:40]!r} is none of {', '.join(choices)}")
    return value


def _invalid(text: str) -> DirectoryRefused:
    return DirectoryRefused("invalid", text)
