"""The settings of the resolver, and the name servers of /etc/resolv.conf."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from shared.settings import Section

ServerAddress = tuple[str, int]
"""An IP address literal (IPv6 possibly with a zone) and a port."""

_PORT = 53
_MAX_SERVERS = 3  # resolv.conf(5), MAXNS
_BRACKETED = re.compile(r"\[([^\]]+)\](?::(\d{1,5}))?\Z")
_SYSTEM_FILE = Path("/etc/resolv.conf")


class ResolverSettings(Section, frozen=True):
    """How the DNS is asked. Times are in seconds."""

    addresses: Annotated[
        str,
        Meta(
            description="Name servers, comma-separated, each as address, address:port or [address]:port, tried in "
            "order; empty: the system's."
        ),
    ] = ""
    timeout: Annotated[
        float, Meta(description="Longest wait for one answer, with all repeats, in seconds.", gt=0, le=30)
    ] = 2.0
    down_for: Annotated[
        float,
        Meta(
            description="Seconds for which a name server that does not answer is not asked; after that a single "
            "question tests it.",
            ge=0,
            le=3600,
        ),
    ] = 30.0
    evaluation_timeout: Annotated[
        float,
        Meta(
            description="Longest wait for all questions of one SPF evaluation, in seconds (RFC 7208 §4.6.4).",
            gt=0,
            le=300,
        ),
    ] = 20.0
    max_ttl: Annotated[
        int, Meta(description="Longest time for which an answer is kept, in seconds.", ge=0, le=604800)
    ] = 86400
    max_negative_ttl: Annotated[
        int,
        Meta(
            description="Longest time for which the answer that a name or record does not exist is kept, in seconds.",
            ge=0,
            le=86400,
        ),
    ] = 900
    temperror_ttl: Annotated[
        int, Meta(description="Seconds for which a question without a usable answer is not repeated.", ge=0, le=300)
    ] = 5
    cache_size: Annotated[int, Meta(description="Largest number of answers kept.", ge=0, le=10_000_000)] = 20_000
    cache_octets: Annotated[
        int,
        Meta(
            description="Octets of memory for the answers that are kept, names and records counted.", ge=0, le=1 << 36
        ),
    ] = 16 * 1024 * 1024
    sockets: Annotated[int, Meta(description="UDP sockets, each with a random port, per name server.", ge=1, le=64)] = 4
    questions_per_socket: Annotated[
        int, Meta(description="Questions before a socket is replaced by one with another port.", ge=1)
    ] = 5_000
    max_in_flight: Annotated[
        int, Meta(description="Questions waiting at once; further ones fail temporarily.", ge=1, le=50_000)
    ] = 2_000
    connections: Annotated[
        int, Meta(description="TCP connections at once, for answers that are too long for UDP.", ge=1, le=1000)
    ] = 64
    udp_payload: Annotated[
        int, Meta(description="Octets of a UDP answer; a longer answer is asked for over TCP.", ge=512, le=4096)
    ] = 1232


def server_addresses(addresses: str, system_file: Path = _SYSTEM_FILE) -> tuple[ServerAddress, ...]:
    """The name servers to ask. Raises ValueError for an invalid address; an unreadable system file raises nothing."""
    words = [word for word in re.split(r"[,\s]+", addresses) if word]
    if words:
        return tuple(_server_address(word) for word in words)
    return _system_servers(system_file) or (("127.0.0.1", _PORT),)  # resolv.conf(5)


def _server_address(text: str) -> ServerAddress:
    bracketed = _BRACKETED.match(text)
    if bracketed is not None:
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, None
    ipaddress.ip_address(host)
    number = int(port) if port else _PORT
    if not 0 < number < 65536:
        raise ValueError(f"no such port: {text}")
    return host, number


def _system_servers(file: Path) -> tuple[ServerAddress, ...]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(
        _readable(line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1)
    )[:_MAX_SERVERS]


def _readable(words: Iterable[str]) -> list[ServerAddress]:
    readable = []
    for word in words:
        try:
            ipaddress.ip_address(word)
        except ValueError:
            continue
        readable.append((word, _PORT))
    return readable
