"""Where a mail goes for an account, in a form in which two decisions about it can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from services.delivery.domain.plan import StepAction
from shared.events.delivery import Step
from shared.protocol.imap.mailbox_name import INBOX, InvalidMailboxName, canonical_name, decode_mailbox_name

_JUNK = "\\Junk"
_GONE = "a mailbox that is gone"
_REFUSED = "refused"
_NEW = "+"
"""Begins the key of a mailbox that would be made; ids do not begin with it."""


class PresentMailbox(NamedTuple):
    """A mailbox of an account as it is now."""

    id: str
    name: str
    special_use: str = ""


class PresentMailboxes:
    """The mailboxes of an account as they are now, by all that a script may call them."""

    def __init__(self, mailboxes: Iterable[PresentMailbox]) -> None:
        known = tuple(mailboxes)
        self._names: Mapping[str, str] = {mailbox.id: mailbox.name for mailbox in known}
        self._by_name = {mailbox.name: mailbox.id for mailbox in known}
        self._by_use = {mailbox.special_use.lower(): mailbox.id for mailbox in known if mailbox.special_use}

    def key_of(self, step: Step) -> str:
        """The mailbox into which a step stores: its id, or its name behind a `+` where the step would make it.

        The id that a script gives counts before the special use, and that before the name (RFC 9042 §4, RFC 8579 §4);
        what does not exist and is not made is INBOX.
        """
        if step.mailbox_id in self._names:
            return step.mailbox_id
        of_use = self.with_use(step.special_use or (_JUNK if step.spam else ""))
        if of_use is not None:
            return of_use
        existing = self.named(step.mailbox or INBOX)
        if existing is None and step.create:
            return f"{_NEW}{canonical_name(step.mailbox)}"
        return existing or self._by_name.get(INBOX, f"{_NEW}{INBOX}")

    def named(self, name: str) -> str | None:
        """The id of the mailbox that a script means; clients write names in modified UTF-7, too."""
        return self._by_name.get(canonical_name(name)) or self._by_name.get(_decoded(name))

    def with_use(self, special_use: str) -> str | None:
        """The id of the mailbox with a special use, which is compared without case (RFC 8579 §3)."""
        return self._by_use.get(special_use.lower())

    def name_with_use(self, special_use: str) -> str:
        """The name of the mailbox with a special use; empty when there is none."""
        return self._names.get(self.with_use(special_use) or "", "")

    def name_of(self, key: str) -> str:
        """A mailbox for people."""
        return f"{key[1:]} (new)" if key.startswith(_NEW) else self._names.get(key, _GONE)


class Destinations(msgspec.Struct, frozen=True):
    """Where a mail goes. Two are equal when nobody who looks for the mail sees a difference."""

    mailboxes: frozenset[str] = frozenset()
    """Keys of mailboxes."""
    addresses: frozenset[str] = frozenset()
    """Those to which it is sent on."""
    is_refused: bool = False

    def with_addresses(self, addresses: frozenset[str]) -> Destinations:
        """These destinations, and further addresses."""
        return msgspec.structs.replace(self, addresses=self.addresses | addresses)

    @property
    def is_nowhere(self) -> bool:
        """Whether the mail is discarded."""
        return not (self.mailboxes or self.addresses or self.is_refused)

    def shown(self, mailboxes: PresentMailboxes) -> list[str]:
        """The destinations for people; none for a mail that is discarded."""
        names = sorted(map(mailboxes.name_of, self.mailboxes))
        return [*names, *sorted(self.addresses), *([_REFUSED] if self.is_refused else [])]


def recorded(steps: Sequence[Step], stored_in: Iterable[str], mailboxes: PresentMailboxes) -> Destinations:
    """Where the steps of a plan have sent a mail; `stored_in` are the ids of the mailboxes that have got it."""
    places = frozenset(stored_in) or _places(steps, mailboxes)
    refusals = (StepAction.REFUSE, StepAction.BOUNCE)
    return Destinations(
        places,
        frozenset(step.address.lower() for step in steps if step.action == StepAction.ENQUEUE),
        any(step.action in refusals for step in steps),
    )


def deciding_step(steps: Sequence[Step], was: Destinations, mailboxes: PresentMailboxes) -> Step:
    """The first step that leads where the mail has not gone; else the first of all. There is at least one."""
    for step in steps:
        goes = recorded([step], (), mailboxes)
        is_new = goes.mailboxes - was.mailboxes or goes.addresses - was.addresses or goes.is_refused > was.is_refused
        if is_new:
            return step
    return steps[0]


def _places(steps: Iterable[Step], mailboxes: PresentMailboxes) -> frozenset[str]:
    return frozenset(mailboxes.key_of(step) for step in steps if step.action == StepAction.STORE)


def _decoded(name: str) -> str:
    """A name that a client has written in modified UTF-7; empty for another one."""
    if "&" not in name or not name.isascii():
        return ""
    try:
        return decode_mailbox_name(name.encode())
    except InvalidMailboxName:
        return ""
