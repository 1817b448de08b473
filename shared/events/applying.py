"""Events of scripts that were applied to the mail of a mailbox at once, in the stream of the account.

What such an application does to messages are ordinary events, whose correlation is the id of the application. The
events here say how far it is, and what is needed to undo it.
"""

from __future__ import annotations

import msgspec

from shared.events.mailbox import Uids
from shared.eventstore.event import Actor, Event, stored

BY_SCRIPT = Actor("service", "mailstore", "sieve")
"""Who files messages when a script decides: it teaches the classifier nothing, and starts no further script."""
MOVED, COPIED, FLAGGED, MADE = "moved", "copied", "flagged", "made"
"""The kinds of steps; MADE: a mailbox was created."""


class ApplicationStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done with messages that have the same outcome, so that it can be undone."""

    kind: str
    mailbox: str
    """The mailbox in which the messages were, or that was created."""
    uids: Uids = ()
    target: str = ""
    """Where they were moved or copied: the n-th of `uids` has UID `first_uid` + n there."""
    first_uid: int = 0
    before: tuple[str, ...] = ()
    """Their flags before."""
    after: tuple[str, ...] = ()
    """The flags that they, or their copies, got."""


class ApplicationCounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done, in messages; a message that is copied and moved counts as both."""

    examined: int = 0
    unchanged: int = 0
    moved: int = 0
    """Without those that were discarded."""
    copied: int = 0
    """Copies that were made."""
    flagged: int = 0
    """Messages whose flags changed in their place."""
    discarded: int = 0
    """Messages that were moved to Trash."""
    failed: int = 0
    """Messages that were left alone because of an error."""
    passed_over: int = 0
    """Messages that were changed or removed while the script decided."""
    left_out: dict[str, int] = {}
    """Actions that were not carried out, by kind."""
    work: int = 0
    """The octets that the script compared, copied and decoded."""


class ScriptError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a message was left alone."""

    uid: int
    text: str
    line: int = 0


class UndoCounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was undone, in messages."""

    moved_back: int = 0
    flags_restored: int = 0
    copies_removed: int = 0
    mailboxes_removed: int = 0
    skipped: int = 0
    """Messages and copies that were moved, changed or removed since."""


@stored("script.application_begun")
class ApplicationBegun(Event, frozen=True):
    """A script is applied to messages of a mailbox that are there now."""

    account: str
    application: str
    mailbox: str
    mailbox_name: str
    script: str
    """The name of the script; empty for one that is not stored."""
    source: str
    last_uid: int
    """Messages with a higher UID came later, and are not looked at."""
    total: int
    """The number of messages."""
    uids: Uids = ()
    """Only these; empty: all."""
    since: int = 0
    """Only messages with an internal date from then on, in UTC microseconds."""
    most: int = 0
    """Only so many of them, the oldest first; 0: all."""
    forgotten: tuple[str, ...] = ()
    """Earlier applications of the account that cannot be undone any more."""


@stored("script.application_advanced")
class ApplicationAdvanced(Event, frozen=True):
    """The script has decided about the next messages, and that was carried out."""

    account: str
    application: str
    through: int
    """The UID of the last message about which it has decided."""
    counts: ApplicationCounts
    steps: tuple[ApplicationStep, ...] = ()
    errors: tuple[ScriptError, ...] = ()
    """The first ones."""


@stored("script.application_ended")
class ApplicationEnded(Event, frozen=True):
    """The application has ended."""

    account: str
    application: str
    reason: str = ""
    """Why it ended before its last message; empty: it did not."""


@stored("script.undo_begun")
class UndoBegun(Event, frozen=True):
    """What an application did is being undone."""

    account: str
    application: str


@stored("script.undo_advanced")
class UndoAdvanced(Event, frozen=True):
    """Further steps of an application were undone, the last ones first."""

    account: str
    application: str
    next_step: int
    """The number of the step that is undone next, from 0; -1: all are undone."""
    counts: UndoCounts
