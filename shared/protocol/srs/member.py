"""One return address for each member of a mailing list (VERP), so that a bounce names its member and is no forgery.

    list=member=stamp hash@domain

It holds the id of the member and never the member's address, which the original recipient of a bounce may have hidden.
Accounts, lists and sub-addresses have no `=` in their names, so the address is recognised before a sub-address
separator is looked for, and no list needs a reserved name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from shared.protocol.address.address import Address
from shared.protocol.srs.proof import (
    HASH,
    LOCALPART_OCTETS,
    MAX_AGE,
    STAMP,
    NoReturnAddress,
    fitting,
    is_hash,
    read_stamp,
    write_hash,
    write_stamp,
)

ID: Final = "[a-z0-9]{1,26}"
"""The pattern of the ids of lists and members: two of them fit a localpart, with the proof."""

_PURPOSE = "VERP"
_NAME = r"[A-Za-z0-9_.\-]+"
_PROOF_OCTETS = len("==") + 2 + 8
_PATTERN = re.compile(
    f"(?P<list>{_NAME})=(?P<member>{ID})=(?P<stamp>{STAMP})(?P<hash>{HASH})", re.ASCII | re.IGNORECASE
)
_ID = re.compile(ID)
_LIST_NAME = re.compile(_NAME)


class MemberReturnPath(msgspec.Struct, frozen=True):
    """A return address as it is written, which is not proven yet."""

    list_name: str
    """The localpart of the list, or its id; in lower case."""
    domain: str
    member_id: str
    stamp: str
    hash: str


class BouncedMember(msgspec.Struct, frozen=True):
    """A member of the list to whom a post could not be delivered."""

    member_id: str


ReadMember: TypeAlias = BouncedMember | NoReturnAddress


def member_return_path(
    list_localpart: str, domain: str, list_id: str, member_id: str, secrets: Sequence[bytes], day: int
) -> Address:
    """The reverse-path of a post to one member, in the list's domain.

    The list's id replaces its localpart where that is too long, not ASCII, or has other characters than names have; so
    there is always a return address. Raises ValueError for an id that does not match ID. `secrets` are 16 octets or
    more, the current one first; `day` is counted from 1970-01-01 in UTC.
    """
    proof = (write_stamp(day) + write_hash(secrets, _PURPOSE, day, list_id, member_id)).lower()
    return Address(fitting(localpart_for(list_localpart, list_id, member_id, proof)), domain)


def localpart_for(list_localpart: str, list_id: str, member_id: str, proof: str) -> str:
    """The localpart with these parts, which `parse_member_return_path` reads. Raises ValueError for other ids."""
    if _ID.fullmatch(list_id) is None or _ID.fullmatch(member_id) is None:
        raise ValueError("an id has 1 to 26 lower-case letters and digits")
    room = LOCALPART_OCTETS - _PROOF_OCTETS - len(member_id)
    fits = len(list_localpart) <= room and _LIST_NAME.fullmatch(list_localpart) is not None
    name = list_localpart.lower() if fits else list_id
    return f"{name}={member_id}={proof}"


def parse_member_return_path(address: Address) -> MemberReturnPath | None:
    """The parts of a return address, or None for another address; it proves nothing."""
    match = _PATTERN.fullmatch(address.localpart)
    if match is None:
        return None
    return MemberReturnPath(
        match["list"].lower(), address.domain, match["member"].lower(), match["stamp"], match["hash"]
    )


def read_member(
    path: MemberReturnPath, list_id: str, secrets: Sequence[bytes], day: int, max_age: int = MAX_AGE
) -> ReadMember:
    """The member of a return address; `list_id` is the id of the list that has `path.list_name` in `path.domain`.

    The proof covers the ids and not the name, so it survives when the list is renamed. `max_age` is in days.
    """
    stamped = read_stamp(path.stamp, day)
    if not is_hash(path.hash, secrets, _PURPOSE, stamped, list_id, path.member_id):
        return NoReturnAddress("forged")
    if day - stamped > max_age:
        return NoReturnAddress("expired")
    return BouncedMember(path.member_id)
