"""Decides for which messages a script of a mailbox is due, and what its decision means for a message (RFC 6785)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from services.mailstore.domain.flags import Change, Flags
from services.mailstore.domain.state import FlagRun
from shared.events.mailbox_scripts import FLAG, MailboxScriptDue
from shared.protocol.imap.ranges import Range, Ranges, joined
from shared.protocol.sieve.actions import (
    DiscardAction,
    FileIntoAction,
    KeepAction,
    NotifyAction,
    RedirectAction,
    SieveAction,
)
from shared.protocol.sieve.outcome import ScriptOutcome

_MOST_GROUPS = 20
"""Groups of messages with the same changed flags that a STORE may make; the last one has the flags of all others."""
Sending = RedirectAction | NotifyAction


def due(account: str, mailbox: str, cause: str, uids: Ranges) -> list[MailboxScriptDue]:
    """The event for new messages."""
    return [MailboxScriptDue(account, mailbox, cause, uids)] if uids else []


def due_after_flags(
    account: str, mailbox: str, runs: Sequence[FlagRun], mode: str, given: Flags
) -> list[MailboxScriptDue]:
    """The events for messages whose flags a STORE, or a FETCH that sets \\Seen, has changed (RFC 6785 §2.2.3)."""
    change = Change(mode, given)
    groups: dict[tuple[str, ...], list[Range]] = {}
    for run in runs:
        changed = () if run.is_newer else changed_flags(run.flags, change.applied(run.flags))
        if changed:
            key = changed if changed in groups or len(groups) < _MOST_GROUPS else next(reversed(groups))
            groups.setdefault(key, []).append((run.first, run.last))
            if key != changed:
                spans = groups.pop(key)  # first, because the joined flags may be those of a group that is there
                groups.setdefault(_both(key, changed), []).extend(spans)
    return [MailboxScriptDue(account, mailbox, FLAG, joined(sorted(spans)), flags) for flags, spans in groups.items()]


def changed_flags(before: Flags, after: Flags) -> tuple[str, ...]:
    """The names of the flags that were set or taken away."""
    had, has = _named(before.names()), _named(after.names())
    return tuple((had | has)[name] for name in sorted(had.keys() ^ has.keys()))


class FiledCopy(msgspec.Struct, frozen=True):
    """A copy of the message in a mailbox."""

    place: FileIntoAction
    flags: tuple[str, ...]


class MessageDecision(msgspec.Struct, frozen=True):
    """What a script decides about a message that is in the mailbox already."""

    keeps: bool
    """Whether it stays; else it is marked \\Deleted (§3.3)."""
    flags: tuple[str, ...] | None
    """Its flags, when it stays; None: as they are."""
    copies: tuple[FiledCopy, ...] = ()
    sends: tuple[Sending, ...] = ()
    """What leaves, which is done before the rest."""
    failure: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing happens to the message."""
        return self.keeps and self.flags is None and not self.copies


def decision_of(outcome: ScriptOutcome) -> MessageDecision:
    """What an outcome means for the message. Edits never reach a stored message (§3.1, §3.7).

    After a failure the message stays as it is.
    """
    if outcome.failure is not None:
        failure = outcome.failure
        return MessageDecision(True, None, failure=f"line {failure.line}: {failure.text}"[:500])
    kept = [action for action in outcome.actions if isinstance(action, KeepAction)]
    copies = tuple(FiledCopy(action, action.flags) for action in outcome.actions if isinstance(action, FileIntoAction))
    sends = tuple(action for action in outcome.actions if isinstance(action, RedirectAction | NotifyAction))
    return MessageDecision(bool(kept) or not _removes(outcome.actions), kept[-1].flags if kept else None, copies, sends)


def kept_after_all(decision: MessageDecision, reason: str) -> MessageDecision:
    """The decision when something that leaves was refused: a redirect that is not done keeps the message."""
    redirected = any(isinstance(action, RedirectAction) for action in decision.sends)
    return msgspec.structs.replace(
        decision, keeps=decision.keeps or (redirected and not decision.copies), failure=reason[:500]
    )


def _removes(actions: Iterable[SieveAction]) -> bool:
    """Whether an action has cancelled the implicit keep."""
    return any(isinstance(action, DiscardAction | FileIntoAction | RedirectAction) for action in actions)


def _named(names: Iterable[str]) -> dict[str, str]:
    return {name.lower(): name for name in names}


def _both(names_of: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    names = _named((*names_of, *others))
    return tuple(names[name] for name in sorted(names))
