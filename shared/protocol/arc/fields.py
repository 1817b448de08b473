"""The three fields of an ARC set: reads their instance value and their tags (RFC 8617 §4.1)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, cast

from shared.protocol.arc.result import MOST_SETS, ChainStatus
from shared.protocol.dkim.result import HashName
from shared.protocol.dkim.signature import (
    KeyType,
    Signature,
    UnacceptableSignature,
    read_algorithm,
    read_domain,
    read_number,
    read_selector,
    read_signature,
)
from shared.protocol.dkim.tags import DkimSyntaxError, decode_base64, parse_tags
from shared.protocol.structured import comment_end

RESULTS: Final = b"arc-authentication-results"
MESSAGE_SIGNATURE: Final = b"arc-message-signature"
SEAL: Final = b"arc-seal"

_BLANK = re.compile(r"[ \t\r\n]*")
_POSITION = re.compile(r"[0-9]{1,2}(?![0-9])")
_STATUSES = ("none", "pass", "fail")
_REQUIRED = ("i", "cv", "a", "b", "d", "s")


class Seal(NamedTuple):
    """A well-formed ARC-Seal."""

    field: bytes
    instance: int
    status: ChainStatus
    """cv=: the status of the chain when it was sealed."""
    domain: str
    selector: str
    key_type: KeyType
    hash_name: HashName
    value: bytes

    @property
    def key_name(self) -> str:
        """The DNS name of the public key (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def read_instance(name: bytes, field: bytes) -> int:
    """The instance value of a field of this name, 1 to 50. Raises DkimSyntaxError."""
    value = _value(field)
    leading = _leading_instance(value)
    if leading is not None:
        return _checked(leading[0])
    if name == RESULTS:  # arc-info = instance [CFWS] ";" authres-payload
        raise DkimSyntaxError("the results do not begin with i=")
    return _checked(_tags(field).get("i", ""))


def read_results(field: bytes) -> str:
    """The authres-payload of an ARC-Authentication-Results field. Raises DkimSyntaxError without one."""
    leading = _leading_instance(_value(field))
    payload = leading[1].strip(" \t\r\n") if leading is not None else ""
    if not payload:
        raise DkimSyntaxError("the results are empty")
    return payload


def read_seal(field: bytes) -> Seal:
    """The seal of an ARC-Seal field (§4.1.3).

    Raises DkimSyntaxError for a wrong form, and UnacceptableSignature for other faults.
    """
    tags = _tags(field)
    if "h" in tags:
        raise DkimSyntaxError("h= is not allowed in a seal")
    missing = [name for name in _REQUIRED if not tags.get(name)]
    if missing:
        raise DkimSyntaxError(f"{missing[0]}= is missing in a seal")
    status = tags["cv"].lower()
    if status not in _STATUSES:
        raise DkimSyntaxError("cv= is neither none nor pass nor fail")
    key_type, hash_name = read_algorithm(tags["a"])
    read_number(tags, "t")
    domain, value = read_domain(tags), decode_base64(tags["b"], "b")
    instance, selector = _checked(tags["i"]), read_selector(tags)
    return Seal(field, instance, cast(ChainStatus, status), domain, selector, key_type, hash_name, value)


def read_message_signature(field: bytes) -> Signature:
    """The signature of an ARC-Message-Signature field (§4.1.2): a DKIM signature without v=, where i= is no identity.

    Raises DkimSyntaxError for a wrong form, and UnacceptableSignature for other faults.
    """
    tags = _tags(field)
    del tags["i"]
    signature = read_signature(field, {**tags, "v": "1"})  # a version is ignored
    if SEAL in signature.header_names:
        raise UnacceptableSignature("permerror", "the signature covers a seal")  # the other two occur in old chains
    return signature


def _value(field: bytes) -> str:
    return field.partition(b":")[2].decode("utf-8", "replace")


def _tags(field: bytes) -> dict[str, str]:
    """The tags, of which i= is one.

    arc-ams-info and arc-as-info = instance [CFWS] ";" tag-list, so comments are allowed around the instance value.
    Early sealers write i= among the other tags, as DKIM does, and their chains are valid too.
    """
    value = _value(field)
    leading = _leading_instance(value)
    if leading is None:
        tags = parse_tags(value)
    else:
        position, rest = leading
        tags = parse_tags(f"i={position};{rest}")
    if "i" not in tags:
        raise DkimSyntaxError("i= is missing")
    return tags


def _leading_instance(value: str) -> tuple[str, str] | None:
    """instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position, then [CFWS] ";": the position, and what follows."""
    at = _after_blank(value, 0)
    for expected in ("i", "="):
        if not value.startswith(expected, at):
            return None
        at = _after_blank(value, at + 1)
    position = _POSITION.match(value, at)
    if position is None:
        return None
    at = _after_blank(value, position.end())
    return (position[0], value[at + 1 :]) if value.startswith(";", at) else None


def _after_blank(value: str, at: int) -> int:
    """The offset behind white space and comments; a comment that is not closed is none."""
    at = _BLANK.match(value, at).end()  # type: ignore[union-attr]
    while value.startswith("(", at) and (end := comment_end(value, at)) >= 0:
        at = _BLANK.match(value, end).end()  # type: ignore[union-attr]
    return at


def _checked(position: str) -> int:
    """position = 1*2DIGIT, from 1 to 50."""
    if _POSITION.fullmatch(position) is None or not 1 <= int(position) <= MOST_SETS:
        raise DkimSyntaxError("i= is not a number from 1 to 50")
    return int(position)
