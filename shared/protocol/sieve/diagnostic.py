"""The errors and warnings of a script, with their places."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a token starts in the script; the first line and the first column are 1. Columns count characters."""

    line: int
    column: int


class ScriptNote(msgspec.Struct, frozen=True):
    """An error or a warning, as a sentence for the script's author."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"line {self.place.line}, column {self.place.column}: {self.text}"


class InvalidScript(ValueError):
    """A script that cannot be compiled: all its errors in the order of their places, and its warnings."""

    def __init__(self, errors: tuple[ScriptNote, ...], warnings: tuple[ScriptNote, ...] = ()) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors
        self.warnings = warnings


class TooManyErrors(Exception):
    """The limit of reported errors is reached; the compiler stops there."""


class Notes:
    """Collects the errors and warnings of a script, at most `most` of both kinds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._errors: dict[ScriptNote, None] = {}
        self._warnings: dict[ScriptNote, None] = {}

    def error(self, place: Place, text: str) -> None:
        """Add an error. Raises TooManyErrors when it is the last that is reported."""
        self._errors[ScriptNote(place, text)] = None
        if len(self._errors) >= self._most:
            raise TooManyErrors

    def warn(self, place: Place, text: str) -> None:
        """Add a warning; above the limit it is dropped."""
        if len(self._warnings) < self._most:
            self._warnings[ScriptNote(place, text)] = None

    @property
    def errors(self) -> tuple[ScriptNote, ...]:
        """The errors, in the order of their places."""
        return tuple(sorted(self._errors, key=lambda note: note.place))

    @property
    def warnings(self) -> tuple[ScriptNote, ...]:
        """The warnings, in the order of their places."""
        return tuple(sorted(self._warnings, key=lambda note: note.place))
