"""What the ingress reads of a message header, and what it takes out of it."""

from __future__ import annotations

import re
from collections.abc import Set

from shared.protocol.authres.field import FIELD_NAME
from shared.protocol.authres.identifier import is_ours
from shared.protocol.message.headers import header_values
from shared.protocol.message.strip import header_without

_FORGEABLE = FIELD_NAME.lower().encode()
_RECEIVED = re.compile(rb"^received[ \t]*+:", re.M | re.I)
_MENTIONED = re.compile(rb"^authentication-results[ \t]*+:", re.M | re.I)


def without_forged(header_block: bytes, authserv_ids: Set[str]) -> bytes:
    """The header without Authentication-Results that claim to be ours (RFC 8601 section 5)."""
    if _MENTIONED.search(header_block) is None:
        return header_block

    def is_forged(name: bytes, value: bytes) -> bool:
        return name == _FORGEABLE and is_ours(value.decode("utf-8", "replace"), authserv_ids)

    return header_without(header_block, is_forged)


def hop_count(header_block: bytes) -> int:
    """How many servers the message passed, by its Received fields (RFC 5321 section 6.3)."""
    return len(_RECEIVED.findall(header_block))


def from_values(header_block: bytes) -> tuple[str, ...]:
    """The values of all From fields. Octets that are no UTF-8 stand as U+FFFD: no domain has that, no address matches it."""
    return tuple(value.decode("utf-8", "replace") for value in header_values(header_block, b"from"))
