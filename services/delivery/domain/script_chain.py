"""The scripts that run over a mail for an account, in order, and what they decide together.

The operator's script before, the account's own and the operator's script after run one after the other. A later script
runs only while a keep is in force, implicit or explicit, and decides anew about this keep; everything else that was
decided stays. `stop` ends its own script. A script that fails loses its own actions only, and counts as one that has
kept the mail implicitly and has changed nothing. There is one vacation response in all (RFC 5230 §4.7).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shared.events.scripts import ACTIVE, AFTER, BEFORE
from shared.protocol.sieve.actions import KeepAction, MessageEdits, SieveAction, VacationAction
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome

ORDER = (BEFORE, ACTIVE, AFTER)
"""The places of scripts in the order in which they run."""


class MessageForm(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a copy differs from the message as it was accepted; the default is the unedited message."""

    added: bytes = b""
    """The header lines that scripts have added on top."""
    prefix: bytes | None = None
    """What scripts have left of the prefix of the copy; None: all of it."""
    edited: str = ""
    """The blob of the message, where more was changed than lines on top of it."""
    edited_size: int = 0

    @property
    def is_edited(self) -> bool:
        """Whether anything differs."""
        return self != AS_ACCEPTED


AS_ACCEPTED = MessageForm()


class ScriptDecision(msgspec.Struct, frozen=True):
    """An action, with the form of the message at this moment and the script that decided."""

    action: SieveAction
    form: MessageForm = AS_ACCEPTED
    script: str = ""
    """For people: `script "main"`, `script "spam" of the server`."""

    @property
    def rule(self) -> str:
        """Who decided, for the plan."""
        return f"{self.script} line {self.action.line}" if self.script and self.action.line else self.script


class FailedScript(msgspec.Struct, frozen=True):
    """A script that has failed."""

    script: str
    failure: ScriptFailure
    is_owners: bool
    """Whether it is the script of the account itself."""


IMPLICIT_KEEP = ScriptDecision(KeepAction(implicit=True))


class ChainState(msgspec.Struct, frozen=True):
    """What the scripts have decided so far."""

    decisions: tuple[ScriptDecision, ...] = ()
    """All actions but keeps."""
    keep: ScriptDecision | None = IMPLICIT_KEEP
    """The keep that is in force."""
    failures: tuple[FailedScript, ...] = ()
    form: MessageForm = AS_ACCEPTED
    """The message as the next script sees it."""
    ended: bool = False
    """Whether no further script runs."""


def after_script(
    state: ChainState,
    place: str,
    name: str,
    outcome: ScriptOutcome,
    form_of: Callable[[MessageEdits], MessageForm],
    *,
    ends_at_keep: bool = False,
) -> ChainState:
    """The state after the script in a place. `ends_at_keep`: an explicit keep ends the chain."""
    script = label(place, name)
    if outcome.failure is not None:
        failed = FailedScript(script, outcome.failure, place == ACTIVE)
        return msgspec.structs.replace(state, failures=(*state.failures, failed))
    keep, decisions = None, list(state.decisions)
    for action in outcome.actions:
        if isinstance(action, KeepAction):
            keep = ScriptDecision(action, form_of(action.edits), script)
        elif not (isinstance(action, VacationAction) and _has_answered(state)):
            decisions.append(ScriptDecision(action, form_of(getattr(action, "edits", outcome.edits)), script))
    keep = _in_force(state.keep, keep)
    explicit = keep is not None and isinstance(keep.action, KeepAction) and not keep.action.implicit
    return ChainState(
        tuple(decisions), keep, state.failures, form_of(outcome.edits), keep is None or (explicit and ends_at_keep)
    )


def label(place: str, name: str) -> str:
    """A script for people."""
    return f'script "{name}"' if place == ACTIVE else f'script "{name}" of the server'


def _has_answered(state: ChainState) -> bool:
    return any(isinstance(decision.action, VacationAction) for decision in state.decisions)


def _in_force(earlier: ScriptDecision | None, later: ScriptDecision | None) -> ScriptDecision | None:
    """The keep after a script. An implicit keep says nothing new, so an earlier explicit one stays, with its flags."""
    if earlier is None or later is None:
        return None
    before, after = earlier.action, later.action
    assert isinstance(before, KeepAction) and isinstance(after, KeepAction)
    if not after.implicit:
        return later
    kept = KeepAction(before.implicit, after.flags or before.flags, line=before.line or after.line)
    return ScriptDecision(kept, later.form, earlier.script or later.script)
