"""Lines about scripts that were applied to the mail of a mailbox."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mailfold.texts import counted
from mailfold.trace.names import Names
from shared.events import applying

_MOST_ERRORS = 3


def begun(event: applying.ApplicationBegun, names: Names) -> Iterator[str]:
    """An application has begun."""
    script = f"the script {event.script!r}" if event.script else "a script that is not stored"
    yield (
        f"{event.application}: {script} is applied to {counted(event.total, 'message')} in {event.mailbox_name} of "
        f"{names.of(event.account)}"
    )


def advanced(event: applying.ApplicationAdvanced, _names: Names) -> Iterator[str]:
    """The next messages were decided about."""
    counts = msgspec.to_builtins(event.counts)
    done = [f"{counts[name]} {name.replace('_', ' ')}" for name in counts if name not in ("left_out", "work")]
    yield f"{event.application}: up to UID {event.through}: {', '.join(done) or 'no message'}"
    if event.counts.left_out:
        kinds = ", ".join(f"{number} × {kind}" for kind, number in sorted(event.counts.left_out.items()))
        yield f"left out: {kinds}"
    for error in event.errors[:_MOST_ERRORS]:
        line = f" in line {error.line}" if error.line else ""
        yield f"UID {error.uid} was left alone{line}: {error.text}"


def ended(event: applying.ApplicationEnded, _names: Names) -> Iterator[str]:
    """An application has ended."""
    reason = f"stopped before its last message: {event.reason}" if event.reason else "done"
    yield f"{event.application}: {reason}"


def undo_begun(event: applying.UndoBegun, _names: Names) -> Iterator[str]:
    """An application is being undone."""
    yield f"{event.application}: is being undone"


def undo_advanced(event: applying.UndoAdvanced, _names: Names) -> Iterator[str]:
    """Steps of an application were undone."""
    counts = event.counts
    mailboxes = counted(counts.mailboxes_removed, "mailbox", "mailboxes")
    rest = "" if event.next_step < 0 else "; more is to be undone"
    yield (
        f"{event.application}: {counts.moved_back} moved back, {counts.flags_restored} with the flags of before, "
        f"{counted(counts.copies_removed, 'copy', 'copies')} and {mailboxes} removed, {counts.skipped} skipped{rest}"
    )
