"""Runs a compiled script over a message: actions out, or a failure with what the script had decided before it."""

from __future__ import annotations

from contextlib import suppress

from shared.protocol.sieve.actions import KeepAction, SieveAction
from shared.protocol.sieve.commands.reject import check_refusal
from shared.protocol.sieve.environment import Answers, RecordedAnswers, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.protocol.sieve.mail.message import SieveMessage
from shared.protocol.sieve.mail.view import PresentMessage
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome, StepNote
from shared.protocol.sieve.program import CompiledScript, Returned, RunFailed, Stopped
from shared.protocol.sieve.running import ScriptRun

_NOTHING_KNOWN = RecordedAnswers()


def run_script(
    script: CompiledScript,
    message: SieveMessage,
    envelope: SieveEnvelope,
    environment: SieveEnvironment,
    answers: Answers = _NOTHING_KNOWN,
    limits: ScriptLimits = DEFAULT_SCRIPT_LIMITS,
    with_account: bool = False,
) -> ScriptOutcome:
    """What the script decides about the message.

    Only what `answers` raises passes through; every error of the script becomes the failure of the outcome. Steps are
    listed only `with_account`.
    """
    account: list[StepNote] | None = [] if with_account else None
    run = ScriptRun(PresentMessage(message), envelope, environment, answers, limits, account)
    failure = _failure_of(script, run)
    steps = tuple(account or ())
    work = limits.work - run.work_left
    if failure is not None:
        return ScriptOutcome((KeepAction(implicit=True),), steps, failure, work=work)
    return ScriptOutcome(_with_keep(run), steps, edits=run.message.edits(), work=work)


def _failure_of(script: CompiledScript, run: ScriptRun) -> ScriptFailure | None:
    try:
        with suppress(Stopped, Returned):
            for step in script.steps:
                step(run)
        run.finish_enclosures()
        check_refusal(run.actions)
    except RunFailed as error:
        run.note(f"failed: {error}")
        return ScriptFailure(run.line, str(error), run.script, tuple(run.actions))
    return None


def _with_keep(run: ScriptRun) -> tuple[SieveAction, ...]:
    """RFC 5228 §2.10.2: the implicit keep applies unless an action has cancelled it."""
    if run.keeps_implicitly:
        run.note("implicit keep")
        if not run.is_stored_in_inbox():
            run.act(KeepAction(implicit=True, flags=run.flags, edits=run.message.edits()))
    return tuple(run.actions)
