"""Prints what a script would have done with the mail of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mailfold.commands.sieve_outcome_printing import print_line
from mailfold.operator.account_trial import notes_of
from mailfold.texts import counted, moment, printable

_COUNTED = (
    ("redirected", "would be sent on"),
    ("refused", "would be refused"),
    ("discarded", "would be discarded"),
    ("answered", "would be answered"),
    ("notified", "would cause a notification"),
    ("duplicates", "would be known as duplicates"),
    ("failed", "make the script fail"),
    ("gone", "cannot be examined, because their messages were removed for good"),
    ("unknown", "cannot be examined, because the event log does not have their reception"),
)
_LONGEST = 60


def print_what_if(source: bytes, parts: Sequence[Any], *, json: bool) -> None:
    """Print all parts of an answer, the last of which has the totals."""
    entries = [entry for part in parts for entry in part.elsewhere]
    if json:
        for document in _documents(parts, entries):
            print_line(document)
        return
    for line in _lines(source, parts, entries):
        print(printable(line))


def _documents(parts: Sequence[Any], entries: Sequence[Any]) -> Iterator[dict[str, Any]]:
    first, last = parts[0], parts[-1]
    for kind, notes in (("error", first.errors), ("warning", first.warnings)):
        yield from ({kind: note.text, "line": note.line, "column": note.column} for note in notes)
    if not first.errors:
        yield from map(_values, entries)
        yield _totals_values(last)


def _lines(source: bytes, parts: Sequence[Any], entries: Sequence[Any]) -> Iterator[str]:
    from shared.protocol.sieve.describing import described_notes

    first, last = parts[0], parts[-1]
    yield from described_notes(source, notes_of(first.errors), "error")
    yield from described_notes(source, notes_of(first.warnings), "warning")
    if not first.errors:
        for entry in entries:
            yield from _entry_lines(entry)
        yield from _total_lines(last, len(entries))


def _entry_lines(entry: Any) -> Iterator[str]:
    """A mail that would go elsewhere, with what decides it."""
    subject = entry.subject if len(entry.subject) <= _LONGEST else f"{entry.subject[:_LONGEST]}…"
    moved = " (no longer there)" if entry.moved else ""
    place = f"line {entry.line}" if entry.line else "no line"
    decides = f"{place}: {entry.failure}" if entry.failure else entry.rule or place
    yield f"{moment(entry.at)[:16]}  {entry.author or '<>'}  {subject or '(no subject)'}"
    yield f"    {_places(entry.was)}{moved} → {_places(entry.would_be)}   [{decides}]   {entry.queue_id}"


def _values(entry: Any) -> dict[str, Any]:
    """A mail that would go elsewhere, for programs."""
    names = ("queue_id", "at", "author", "subject", "line", "rule", "failure", "moved")
    return {
        **{name: getattr(entry, name) for name in names},
        "was": list(entry.was),
        "would_be": list(entry.would_be),
    }


def _totals_values(part: Any) -> dict[str, Any]:
    """What the last part says, for programs."""
    names = ("mails", "elsewhere", *(name for name, _ in _COUNTED))
    return {
        "totals": {name: getattr(part.totals, name) for name in names},
        "since": part.since,
        "until": part.until,
        "log_begins": part.log_begins,
        "complete": part.complete,
        "ended": part.ended,
    }


def _total_lines(part: Any, listed: int) -> Iterator[str]:
    totals = part.totals
    if totals.elsewhere > listed:
        yield f"… and {totals.elsewhere - listed} more, see --limit"
    yield f"{counted(totals.mails, 'mail')} since {moment(part.since)[:16]} UTC, {totals.elsewhere} would go elsewhere"
    yield from (f"  {getattr(totals, name)} {text}" for name, text in _COUNTED if getattr(totals, name))
    if part.log_begins > part.since:
        yield f"the event log goes back to {moment(part.log_begins)[:16]} UTC; earlier mail is not known any more"
    if part.ended:
        yield f"ended early: {part.ended}"


def _places(places: Any) -> str:
    return ", ".join(places) or "discarded"
