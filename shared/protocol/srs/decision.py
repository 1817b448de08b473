"""The addresses with which a moderator of a mailing list decides about a held post by mail.

    list=post=stamp hash@domain

They have the form of the return address of a member (`member.py`), with the id of the post in place of that of the
member. The hash covers the decision and the moderator, who are not written: who has seen the address must also be
proven to be this moderator.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from shared.protocol.address.address import Address
from shared.protocol.srs.member import MemberReturnPath, localpart_for
from shared.protocol.srs.proof import NoReturnAddress, fitting, is_hash, read_stamp, write_hash, write_stamp

POST: Final = "h"
"""The first letter of the id of a held post, which no member of a list has."""
MAX_DAYS: Final = 31
"""Days for which an address is accepted: longer than any post waits."""


class Decision(StrEnum):
    """What a moderator decides. The values are used in contracts and commands."""

    APPROVE = "approve"
    REFUSE = "refuse"


ReadDecision: TypeAlias = Decision | NoReturnAddress


def is_decision(path: MemberReturnPath) -> bool:
    """Whether an address has the form of one for a decision; it proves nothing."""
    return path.member_id.startswith(POST)


def decision_address(
    name: tuple[str, str],
    list_id: str,
    post_id: str,
    moderator: str,
    decision: Decision,
    secrets: Sequence[bytes],
    day: int,
) -> Address:
    """The address for one decision of one moderator, in the list's domain; `name` is the list's localpart and domain.

    Raises ValueError for an id that no list or post has. `day` is counted from 1970-01-01 in UTC.
    """
    localpart, domain = name
    proof = write_stamp(day) + write_hash(secrets, _purpose(decision), day, list_id, post_id, moderator)
    return Address(fitting(localpart_for(localpart, list_id, post_id, proof.lower())), domain)


def read_decision(
    path: MemberReturnPath, list_id: str, moderator: str, secrets: Sequence[bytes], day: int
) -> ReadDecision:
    """The decision that an address stands for when this moderator of the list uses it."""
    stamped = read_stamp(path.stamp, day)
    for decision in Decision:
        if is_hash(path.hash, secrets, _purpose(decision), stamped, list_id, path.member_id, moderator):
            return NoReturnAddress("expired") if day - stamped > MAX_DAYS else decision
    return NoReturnAddress("forged")


def _purpose(decision: Decision) -> str:
    return f"MODERATE {decision.value}"
