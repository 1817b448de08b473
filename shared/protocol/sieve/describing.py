"""Describes what a script decided, and what is wrong with it, in words for people.

The texts contain what strangers wrote; whoever shows them on a terminal replaces control characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from shared.protocol.sieve.actions import (
    UNEDITED,
    DiscardAction,
    ErejectAction,
    FileIntoAction,
    KeepAction,
    MessageEdits,
    NotifyAction,
    RedirectAction,
    RejectAction,
    SentCopy,
    SieveAction,
    TrackDuplicateAction,
    VacationAction,
)
from shared.protocol.sieve.diagnostic import ScriptNote
from shared.protocol.sieve.outcome import ScriptOutcome

_LONGEST_TEXT = 200
_LONGEST_LINE = 120
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_IMPORTANCE = {1: "high", 2: "normal", 3: "low"}


def described_outcome(outcome: ScriptOutcome) -> list[str]:
    """What a script does with a message, a line for each action; after a failure also what did not happen."""
    lines = [described_action(action) for action in outcome.actions]
    if outcome.failure is None:
        return lines
    failure = outcome.failure
    script = f" of {failure.script}" if failure.script else ""
    place = f" in line {failure.line}{script}" if failure.line else script
    return [
        f"the script failed{place}: {failure.text}",
        *lines,
        *(f"not done: {described_action(action)}" for action in failure.abandoned),
    ]


def described_action(action: SieveAction) -> str:
    """An action as a sentence without subject, with the line that decided it."""
    line = f" (line {action.line})" if action.line else ""
    return f"{_described(action)}{line}"


def _described(action: SieveAction) -> str:
    match action:
        case KeepAction(implicit, flags, edits):
            reason = ": nothing in the script says otherwise" if implicit else ""
            return f"store in INBOX{_with_flags(flags)}{_with_edits(edits)}{reason}"
        case FileIntoAction(_, flags, _, copy, _, _, edits):
            return f"file {_kept(copy)}into {_target_with_flags(action, flags)}{_with_edits(edits)}"
        case DiscardAction():
            return "discard"
        case RedirectAction(address, copy, list_name, edits=edits):
            to = f"the addresses of {list_name}" if list_name else address
            return f"send {_kept(copy)}on to {to}{_conditions_of(action)}{_with_edits(edits)}"
        case RejectAction(reason):
            return f"refuse, with a report to the sender: {_cut(reason)}"
        case ErejectAction(reason):
            return f"refuse, in the SMTP dialogue if possible: {_cut(reason)}"
        case VacationAction(recipient, _, subject):
            return f"answer {recipient}: {_cut(subject)} ({_period(action.seconds)}){_with_copy(action.fcc)}"
        case NotifyAction(method, message, importance):
            text = f": {_cut(message)}" if message else ""
            return f"notify {_cut(method)} ({_IMPORTANCE.get(importance, 'normal')} importance){text}" + _with_copy(
                action.fcc
            )
        case TrackDuplicateAction(memory, seconds):
            time = f" for {duration(seconds)}" if seconds is not None else ""
            return f"remember the message{time}, so that another one like it is a duplicate: {_cut(memory)}"
        case _:
            assert_never(action)


def _kept(copy: bool) -> str:
    return "a copy " if copy else ""


def _target(place: FileIntoAction | SentCopy) -> str:
    """A mailbox as an action names it, and what takes precedence over the name."""
    first = [f"the mailbox with the id {place.mailbox_id}"] if place.mailbox_id else []
    first += [f"the mailbox for {place.special_use}"] if place.special_use else []
    made = ", which is made if it is missing" if place.create else ""
    return " or else ".join((*first, f"{place.mailbox}{made}"))


def _target_with_flags(place: FileIntoAction | SentCopy, flags: tuple[str, ...]) -> str:
    """A mailbox and the flags of the copy there; a comma ends the clause about a mailbox that is made."""
    comma = "," if place.create and flags else ""
    return f"{_target(place)}{comma}{_with_flags(flags)}"


def _with_flags(flags: tuple[str, ...]) -> str:
    return f" with the flags {' '.join(flags)}" if flags else ""


def _with_copy(copy: SentCopy | None) -> str:
    return f", with a copy of it in {_target_with_flags(copy, copy.flags)}" if copy is not None else ""


def _conditions_of(action: RedirectAction) -> str:
    given = {"NOTIFY": action.notify, "RET": action.ret, "BY": action.by_time}
    texts = [f"{name}={value}" for name, value in given.items() if value]
    return f" with {' '.join(texts)}" if texts else ""


def _with_edits(edits: MessageEdits) -> str:
    if edits == UNEDITED:
        return ""
    if edits.content is not None:
        return f", as a new message of {len(edits.content)} octets"
    added = [_cut(line.decode("utf-8", "replace").strip()) for line in (*edits.top, *edits.bottom)]
    parts = [f"added: {'; '.join(added)}"] if added else []
    parts += [f"{_counted(len(edits.deleted), 'field')} deleted"] if edits.deleted else []
    return f", with a changed header ({', '.join(parts)})"


def _period(seconds: int) -> str:
    return f"once in {duration(seconds)}" if seconds else "each time"


def duration(seconds: int) -> str:
    """A time in the largest unit in which it is a whole number: `7 days`."""
    for size, unit in _UNITS:
        if seconds and seconds % size == 0:
            return _counted(seconds // size, unit)
    return _counted(seconds, "second")


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _cut(text: str) -> str:
    """A text on one line, and not too long."""
    text = " ".join(text[: 2 * _LONGEST_TEXT].split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def described_notes(source: bytes, notes: tuple[ScriptNote, ...], kind: str) -> Iterator[str]:
    """The errors or warnings of a script: each with its place, its line of the script, and a mark below the column."""
    lines = source.decode("utf-8", "replace").split("\n")
    for note in notes:
        yield f"line {note.place.line}, column {note.place.column}: {kind}: {note.text}"
        if 0 < note.place.line <= len(lines):
            yield from _marked(lines[note.place.line - 1].rstrip("\r"), note.place.column - 1)


def _marked(line: str, column: int) -> Iterator[str]:
    """A line of the script around a column, and the mark under it; a tab takes as much room in both."""
    start = max(0, column - _LONGEST_LINE // 2) if len(line) > _LONGEST_LINE else 0
    shown = line[start : start + _LONGEST_LINE].replace("\t", " ")
    yield f"    {'…' if start else ''}{shown}{'…' if start + _LONGEST_LINE < len(line) else ''}"
    yield f"    {' ' if start else ''}{' ' * min(column - start, len(shown))}^"
