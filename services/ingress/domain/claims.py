"""The addresses in whose name a user's message is sent, from its header."""

from __future__ import annotations

from services.ingress.domain.header import from_values, values_of
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.header import read_authors


class UnclearClaim(ValueError):
    """A field occurs more than once, or cannot be read."""


def claimed_addresses(header_block: bytes) -> list[Address]:
    """The addresses of From and Sender, and of the newest Resent-From and Resent-Sender.

    Older Resent fields are history, like Received. Raises UnclearClaim.
    """
    resent = (*values_of(header_block, b"resent-from")[:1], *values_of(header_block, b"resent-sender")[:1])
    claims = [
        *_once(b"From", from_values(header_block)),
        *_single_mailbox(_once(b"Sender", values_of(header_block, b"sender"))),
        *(address for value in resent for address in _readable(value)),
    ]
    return list(dict.fromkeys(claims))


def first_author(header_block: bytes, otherwise: Address | str) -> Address | None:
    """The first author of a checked message; without a From the address that is written into it."""
    for value in from_values(header_block)[:1]:
        return next(iter(read_authors(value).addresses), None)
    return otherwise if isinstance(otherwise, Address) else parse_address(otherwise)


def needs_sender(header_block: bytes) -> bool:
    """Whether there are several authors and no Sender (RFC 5322 §3.6.2)."""
    if values_of(header_block, b"sender"):
        return False
    return any(len(read_authors(value).addresses) > 1 for value in from_values(header_block))


def _once(name: bytes, values: tuple[str, ...]) -> list[Address]:
    """The addresses of a field that may occur once (RFC 5322 §3.6)."""
    if len(values) > 1:
        raise UnclearClaim(f"{name.decode()}: is there {len(values)} times")
    return [address for value in values for address in _readable(value)]


# sender = "Sender:" mailbox CRLF (RFC 5322 §3.6.2)
def _single_mailbox(addresses: list[Address]) -> list[Address]:
    if len(addresses) > 1:
        raise UnclearClaim(f"Sender: names {len(addresses)} addresses")
    return addresses


def _readable(value: str) -> tuple[Address, ...]:
    read = read_authors(value)
    if read.unreadable or not read.addresses:
        raise UnclearClaim(f"{value[:200]!r} cannot be read as addresses")
    return read.addresses
