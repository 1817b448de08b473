"""The return paths of this server: those of forwarded mail (SRS), and one for each member of a list (VERP).

Both are written in a domain of ours that receives mail, with secrets of the directory, and both prove that this server
wrote them. Days are counted from 1970-01-01 in UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from shared.eventstore.event import HIDDEN
from shared.protocol.address.address import Address
from shared.protocol.srs.decision import Decision, ReadDecision, decision_address, read_decision
from shared.protocol.srs.member import MemberReturnPath, ReadMember, member_return_path, read_member
from shared.protocol.srs.proof import MAX_AGE, LocalpartTooLong, NoReturnAddress
from shared.protocol.srs.rewrite import Reversed, forward, forward_stored, reverse

ReadReturnPath: TypeAlias = Reversed | ReadMember | ReadDecision
_DAY = 86_400 * 1_000_000


def day_of(microseconds: int) -> int:
    """The day of a moment in UTC microseconds."""
    return microseconds // _DAY


class ReturnPaths:
    """Writes and reads return paths with some secrets, the current one first."""

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._secrets = secrets

    def forwarding(self, sender: Address, domain: str, token: str, day: int) -> Address:
        """The return path in `domain` of mail that `sender` wrote and that is forwarded (SRS).

        A sender that is too long for it is replaced by `token`, 1 to 32 letters and digits under which the caller keeps
        the sender. An address of `domain` stays as it is.
        """
        try:
            return forward(sender, domain, self._secrets, day) or sender
        except LocalpartTooLong:
            return forward_stored(token, domain, self._secrets, day)

    def sender_of(self, address: Address, domains: Collection[str], day: int, *, late_days: int = 0) -> Reversed:
        """To whom a bounce to a return path of forwarded mail goes on; `domains` are those in which we write them.

        It may be `late_days` older than the age for which return paths are accepted.
        """
        return reverse(address, domains, self._secrets, day, MAX_AGE + late_days)

    def to_member(self, list_localpart: str, domain: str, list_id: str, member_id: str, day: int) -> Address:
        """The return path of a post to a member of a list, in the list's domain; the ids are small letters and digits.

        Raises ValueError for ids in another form.
        """
        return member_return_path(list_localpart, domain, list_id, member_id, self._secrets, day)

    def member_of(self, path: MemberReturnPath, list_id: str, day: int) -> ReadMember:
        """The member whom a return path names, or why it is not accepted; `list_id` belongs to the name in it."""
        return read_member(path, list_id, self._secrets, day)

    def to_decide(
        self, name: tuple[str, str], list_id: str, post_id: str, moderator: str, decision: Decision, day: int
    ) -> Address:
        """The address with which a moderator decides about a held post; `name` is the list's localpart and domain."""
        return decision_address(name, list_id, post_id, moderator, decision, self._secrets, day)

    def decision_of(self, path: MemberReturnPath, list_id: str, moderator: str, day: int) -> ReadDecision:
        """The decision that such an address stands for when this moderator uses it."""
        return read_decision(path, list_id, moderator, self._secrets, day)

    def __repr__(self) -> str:
        return f"ReturnPaths({HIDDEN})"


def may_be_new(read: ReadReturnPath) -> bool:
    """Whether a return path that was not accepted may have been written with a secret that is not known yet."""
    return isinstance(read, NoReturnAddress) and read.reason == "forged"
