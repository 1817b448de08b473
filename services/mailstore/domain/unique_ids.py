"""Decisions on the unique ids that messages bring along from a former server (RFC 1939 §7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from services.mailstore.domain.decide import MailboxRefused
from shared.events.maildrop import GivenUniqueId, UniqueIdsGiven

MOST_GIVEN = 1000
"""Unique ids of one command, and so of one event."""
_UNIQUE_ID = re.compile(r"[\x21-\x7e]{1,70}")
_OWN = re.compile(r"e[0-9a-z]{20}(\.[0-9]+)?")
"""The form of the ids that this server gives."""


def give(
    account: str, given: Sequence[GivenUniqueId], present: Mapping[str, str], holders: Mapping[str, str]
) -> list[UniqueIdsGiven]:
    """Give messages unique ids. Raises MailboxRefused when one of them cannot be given; then none is.

    `present` has the unique id of each of these messages that exists, `holders` the message that has or had each of
    these unique ids. What a message has already is left out.
    """
    if len(given) > MOST_GIVEN:
        raise MailboxRefused("LIMIT", f"at most {MOST_GIVEN} unique ids are given at once")
    if len({name.unique_id for name in given}) < len(given) or len({name.entry for name in given}) < len(given):
        raise MailboxRefused("INVALID", "a unique id or a message is named twice")
    new = [name for name in given if present.get(name.entry) != name.unique_id]
    for name in new:
        _check(name, present, holders)
    return [UniqueIdsGiven(account, tuple(new))] if new else []


def _check(given: GivenUniqueId, present: Mapping[str, str], holders: Mapping[str, str]) -> None:
    if not _UNIQUE_ID.fullmatch(given.unique_id):
        raise MailboxRefused("INVALID", f"{given.unique_id!r} is no unique id: 1 to 70 visible ASCII characters")
    if _OWN.fullmatch(given.unique_id):
        raise MailboxRefused("INVALID", f"{given.unique_id} has the form of the ids of this server")
    if given.entry not in present:
        raise MailboxRefused("NONEXISTENT", f"there is no message {given.entry} in INBOX")
    if holders.get(given.unique_id, given.entry) != given.entry:
        raise MailboxRefused("ALREADYEXISTS", f"{given.unique_id} is, or was, the unique id of another message")
