"""What a script decides about stored messages, as commands on groups of messages.

Only what can be undone is carried out: messages stay, are moved or copied, get flags, or go to Trash. Mail that leaves
the server, and changes of messages, are left out and counted; an action that is left out leaves the message in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.mailstore.domain.flags import Flags, parse
from shared.events.applying import ApplicationCounts, ScriptError, UndoCounts
from shared.protocol.imap.ranges import Ranges, count, ranges
from shared.protocol.sieve.actions import (
    UNEDITED,
    DiscardAction,
    ErejectAction,
    FileIntoAction,
    KeepAction,
    NotifyAction,
    RedirectAction,
    RejectAction,
    SieveAction,
    VacationAction,
)
from shared.protocol.sieve.outcome import ScriptOutcome

_LEFT_OUT: Mapping[type, str] = {
    RedirectAction: "redirect",
    RejectAction: "reject",
    ErejectAction: "ereject",
    VacationAction: "vacation",
    NotifyAction: "notify",
}
EDITS = "edits of the message"
"""The kind of what editheader, replace and enclose do."""


class FilingPlace(NamedTuple):
    """A mailbox as a script names it, and the flags of what is stored there."""

    name: str
    mailbox_id: str
    special_use: str
    create: bool
    flags: Flags


class Filing(NamedTuple):
    """What is to be done with a message."""

    stays: bool
    flags: Flags
    """The flags that the message gets where it is."""
    places: tuple[FilingPlace, ...] = ()
    """Where it is copied, if it stays; else it is moved to the first of them and copied to the others."""
    is_discarded: bool = False
    """Whether it is moved to Trash."""


class Decided(NamedTuple):
    """What a script has decided about a message."""

    uid: int
    modseq: int
    """The version at which the message was read."""
    size: int
    before: Flags
    filing: Filing
    left_out: tuple[str, ...] = ()
    error: ScriptError | None = None
    work: int = 0

    @property
    def changes(self) -> bool:
        """Whether anything is to be done with the message."""
        filing = self.filing
        return not filing.stays or bool(filing.places) or filing.flags != self.before


class MessageGroup(NamedTuple):
    """Messages with equal flags with which the same is to be done."""

    before: Flags
    filing: Filing
    uids: Ranges
    size: int
    """Octets of all of them."""

    @property
    def messages(self) -> int:
        """The number of messages."""
        return count(self.uids)


def filing_of(outcome: ScriptOutcome, before: Flags) -> Filing:
    """What is to be done with a message that has these flags. A message about which a script fails stays as it is."""
    if outcome.failure is not None:
        return Filing(True, before)
    keeps = [action for action in outcome.actions if isinstance(action, KeepAction)]
    places = tuple(
        FilingPlace(action.mailbox, action.mailbox_id, action.special_use, action.create, parse(action.flags))
        for action in outcome.actions
        if isinstance(action, FileIntoAction)
    )
    if keeps:
        return Filing(True, parse(keeps[-1].flags), places)
    stays = not _is_taken_away(outcome.actions)
    return Filing(stays, before, places, not stays and not places)


def left_out(outcome: ScriptOutcome) -> tuple[str, ...]:
    """The kinds of actions that are not carried out, one for each action."""
    kinds = [_LEFT_OUT[type(action)] for action in outcome.actions if type(action) in _LEFT_OUT]
    return (*kinds, EDITS) if outcome.edits != UNEDITED else tuple(kinds)


def grouped(decided: Iterable[Decided]) -> list[MessageGroup]:
    """The messages in groups with the same outcome, in the order of their first messages."""
    groups: dict[tuple[Flags, Filing], list[Decided]] = {}
    for message in decided:
        groups.setdefault((message.before, message.filing), []).append(message)
    return [
        MessageGroup(before, filing, ranges(message.uid for message in group), sum(message.size for message in group))
        for (before, filing), group in groups.items()
    ]


def affordable(decided: Sequence[Decided], most: int) -> int:
    """How many of the messages a unit of work takes that files at most `most` of them and their copies; at least 1."""
    filed = 0
    for number, message in enumerate(decided):
        filed += 1 + len(message.filing.places)
        if filed > most:
            return max(number, 1)
    return len(decided)


def counted(decided: Sequence[Decided]) -> ApplicationCounts:
    """The counts of what is decided, before anything is done."""
    kinds: dict[str, int] = {}
    for kind in (kind for message in decided for kind in message.left_out):
        kinds[kind] = kinds.get(kind, 0) + 1
    return ApplicationCounts(
        examined=len(decided),
        failed=sum(message.error is not None for message in decided),
        left_out=kinds,
        work=sum(message.work for message in decided),
    )


def together(first: ApplicationCounts, second: ApplicationCounts) -> ApplicationCounts:
    """The sums of counts."""
    kinds = {
        kind: first.left_out.get(kind, 0) + second.left_out.get(kind, 0)
        for kind in sorted(first.left_out.keys() | second.left_out.keys())
    }
    names = [name for name in ApplicationCounts.__struct_fields__ if name != "left_out"]
    sums = {name: getattr(first, name) + getattr(second, name) for name in names}
    return ApplicationCounts(**sums, left_out=kinds)


def undone_together(first: UndoCounts, second: UndoCounts) -> UndoCounts:
    """The sums of counts."""
    return UndoCounts(*(getattr(first, name) + getattr(second, name) for name in UndoCounts.__struct_fields__))


def _is_taken_away(actions: Sequence[SieveAction]) -> bool:
    """Whether an action that is carried out cancels the implicit keep (RFC 5228 §2.10.2).

    A discard beside a redirect that is left out does not: nothing has taken the message's place.
    """
    if any(isinstance(action, FileIntoAction) and not action.copy for action in actions):
        return True
    is_discarded = any(isinstance(action, DiscardAction) for action in actions)
    return is_discarded and not any(map(_would_take_away, actions))


def _would_take_away(action: SieveAction) -> bool:
    """Whether an action that is left out would cancel the implicit keep."""
    if isinstance(action, RedirectAction):
        return not action.copy
    return isinstance(action, RejectAction | ErejectAction)
