"""Prints what a Sieve script would do: the steps of its run, its actions, and its errors with their places."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mailfold.texts import printable

if TYPE_CHECKING:
    from mailfold.operator.script_trial import ScriptTrial
    from shared.protocol.sieve.diagnostic import ScriptNote


def print_trial(source: bytes, trial: ScriptTrial, *, json: bool) -> None:
    """Print a trial, as lines for people or as a JSON document on each line."""
    if json:
        for document in _documents(trial):
            print_line(document)
        return
    for line in _lines(source, trial):
        print(printable(line))


def print_line(document: dict[str, Any]) -> None:
    """Print a JSON document on a line of its own, at once."""
    import orjson

    sys.stdout.write(orjson.dumps(document).decode() + "\n")
    sys.stdout.flush()


def _lines(source: bytes, trial: ScriptTrial) -> Iterator[str]:
    from shared.protocol.sieve.describing import described_notes

    yield from described_notes(source, trial.errors, "error")
    yield from described_notes(source, trial.warnings, "warning")
    if trial.errors:
        return
    if trial.steps:
        yield "steps:"
        yield from (f"  {step}" for step in trial.steps)
    yield "what would be done:"
    yield from (f"  {line}" for line in trial.lines)


def _documents(trial: ScriptTrial) -> Iterator[dict[str, Any]]:
    yield from (_note("error", note) for note in trial.errors)
    yield from (_note("warning", note) for note in trial.warnings)
    if trial.errors:
        return
    for step in trial.steps:
        shown = {"step": step.text, "line": step.line, "script": step.script, "result": step.result}
        yield {name: value for name, value in shown.items() if value not in (None, "")}
    yield from trial.actions
    if trial.failure:
        yield {"failure": trial.failure}
    yield {"would": list(trial.lines)}


def _note(kind: str, note: ScriptNote) -> dict[str, Any]:
    return {kind: note.text, "line": note.place.line, "column": note.place.column}
