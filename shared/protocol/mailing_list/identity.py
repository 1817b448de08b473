"""The identity of a mailing list in the header of its posts (RFC 2919), and the addresses that it names there."""

from __future__ import annotations

import re
from email.header import Header

import msgspec

from shared.protocol.message.headers import header_values

_IDENTIFIER = re.compile(r"<([^<>]*)>\s*\Z")


class ListIdentity(msgspec.Struct, frozen=True):
    """What the header of a list's copies says about the list."""

    address: str
    """The address of the list, in ASCII: letters, digits, `.`, `-` and `_` before the domain."""
    description: str
    owner: str
    """The address that reaches its owners."""
    leave: str
    """The address at which members end their membership."""

    @property
    def identifier(self) -> str:
        """The list-id (RFC 2919 §3)."""
        return list_identifier(self.address)


def list_identifier(address: str) -> str:
    """The list-id of a list with this address: the name of the list as a label of its domain (RFC 2919 §3)."""
    return address.replace("@", ".").lower()


def identifiers_of(header_block: bytes) -> list[str]:
    """The list-ids in a header, in lower case. Old lists write them without angle brackets."""
    values = [value.decode("utf-8", "replace") for value in header_values(header_block, b"list-id")]
    return [_identifier(value) for value in values]


def phrase(text: str) -> str:
    """A text as a phrase (RFC 5322 §3.2.5), with encoded words where it is not ASCII (RFC 2047)."""
    if not text.isascii():
        return Header(text, "utf-8", maxlinelen=70).encode(linesep="\r\n")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _identifier(value: str) -> str:
    match = _IDENTIFIER.search(value)
    return (match[1] if match else value).strip().lower()
