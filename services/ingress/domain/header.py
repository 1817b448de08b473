"""Reads fields of a message header, and removes those that must not be passed on."""

from __future__ import annotations

import re
from collections.abc import Set

from shared.protocol.authres.field import FIELD_NAME
from shared.protocol.authres.identifier import is_ours
from shared.protocol.message.headers import header_values
from shared.protocol.message.strip import header_without

MAX_LINES = 10_000
MAX_FIELDS = 2000
_BLIND = frozenset({b"bcc", b"resent-bcc"})
_FORGEABLE = FIELD_NAME.lower().encode()
# Obsolete syntax (RFC 5322 §4.5). The usual syntax is found by fixed bytes, at a tenth of the cost of a pattern.
_SPACED_RECEIVED = re.compile(rb"\nreceived[ \t]++:")


def without_forged(header_block: bytes, authserv_ids: Set[str]) -> bytes:
    """The header without Authentication-Results that claim to be ours (RFC 8601 §5)."""
    if b"\n" + _FORGEABLE not in _lines(header_block):
        return header_block

    def is_forged(name: bytes, value: bytes) -> bool:
        return name == _FORGEABLE and is_ours(value.decode("utf-8", "replace"), authserv_ids)

    return header_without(header_block, is_forged)


def without_blind(header_block: bytes) -> bytes:
    """The header without Bcc and Resent-Bcc, which other recipients must not see (RFC 5322 §3.6.3)."""
    lines = _lines(header_block)
    if not any(b"\n" + name in lines for name in _BLIND):
        return header_block
    return header_without(header_block, lambda name, _value: name in _BLIND)


def is_overlong(header_block: bytes) -> bool:
    """Whether the header has more lines or fields than any mail needs; each costs work, however short it is."""
    lines = header_block.count(b"\n")
    folded = header_block.count(b"\n ") + header_block.count(b"\n\t")
    return lines > MAX_LINES or lines - folded > MAX_FIELDS


def hop_count(header_block: bytes) -> int:
    """The number of servers that the message passed, from its Received fields (RFC 5321 §6.3)."""
    lines = _lines(header_block)
    return lines.count(b"\nreceived:") + len(_SPACED_RECEIVED.findall(lines))


def from_values(header_block: bytes) -> tuple[str, ...]:
    """The values of all From fields."""
    return values_of(header_block, b"from")


def values_of(header_block: bytes, name: bytes) -> tuple[str, ...]:
    """The values of all fields with this name.

    Invalid UTF-8 becomes U+FFFD, which no domain contains and no address matches.
    """
    return tuple(value.decode("utf-8", "replace") for value in header_values(header_block, name))


def _lines(header_block: bytes) -> bytes:
    """The header in lower case, with a line break before every line."""
    return b"\n" + header_block.lower()
