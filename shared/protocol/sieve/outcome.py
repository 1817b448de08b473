"""The result of a run: its actions, the account of its steps, and its error if it has failed."""

from __future__ import annotations

import msgspec

from shared.protocol.sieve.actions import (
    UNEDITED,
    DiscardAction,
    FileIntoAction,
    KeepAction,
    MessageEdits,
    RedirectAction,
    SieveAction,
)


class StepNote(msgspec.Struct, frozen=True):
    """One step of a run: the line of the script, what it says there, and the result of a test (None: no test)."""

    line: int
    text: str
    result: bool | None = None
    script: str = ""
    """The included script to which the line belongs; empty for the script itself."""

    def __str__(self) -> str:
        place = f"{self.script} line {self.line}" if self.script else f"line {self.line}"
        result = "" if self.result is None else f" … {str(self.result).lower()}"
        return f"{place}: {self.text}{result}"


class ScriptFailure(msgspec.Struct, frozen=True):
    """A run-time error (RFC 5228 §2.10.6). `abandoned` are the actions that the script had decided before it."""

    line: int
    text: str
    script: str = ""
    abandoned: tuple[SieveAction, ...] = ()


class ScriptOutcome(msgspec.Struct, frozen=True):
    """What a script decided.

    `actions` is never empty: an implicit keep is an action, and so is a discard. After a failure it contains only the
    implicit keep of the unedited message. `edits` is the form of the message at the end.
    """

    actions: tuple[SieveAction, ...]
    steps: tuple[StepNote, ...] = ()
    failure: ScriptFailure | None = None
    edits: MessageEdits = UNEDITED
    work: int = 0
    """The octets that the run compared, copied and decoded."""

    @property
    def is_discarded(self) -> bool:
        """Whether the script discards the message and delivers it nowhere; it may still answer or notify."""
        delivers = any(isinstance(action, (KeepAction, FileIntoAction, RedirectAction)) for action in self.actions)
        return not delivers and any(isinstance(action, DiscardAction) for action in self.actions)
