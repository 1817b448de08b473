"""Runs a compiled script for a service: its questions are answered, and a long run never holds the event loop.

A run begins on the loop with a small allowance of work, which nearly all runs keep within. A run that needs more begins
again in a thread with the whole allowance. A script that asks more than it may ask has failed, like one that works more
than it may work.
"""

from __future__ import annotations

import asyncio

import msgspec

from shared.protocol.sieve.actions import KeepAction
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.protocol.sieve.mail.message import SieveMessage
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome
from shared.protocol.sieve.program import CompiledScript
from shared.scripts.questions import AnswerTo, GivenAnswers, Unanswered

MOST_QUESTIONS = 100
"""Questions that a run may ask."""
_STEPS_ON_LOOP = 2_000
_WORK_ON_LOOP = 500_000
"""Octets compared, copied and decoded on the event loop: some milliseconds, and 30 where Unicode is folded."""
_HEADER_ON_LOOP = 32 * 1024
"""Octets of a header whose addresses and encoded words are read on the event loop: 20 ms for the most hostile one."""
_MOST_LONG_RUNS = 10
"""Runs in a thread, each of which ends with a question but the last."""


class ScriptInput(msgspec.Struct, frozen=True):
    """What a script runs over."""

    message: SieveMessage
    envelope: SieveEnvelope
    environment: SieveEnvironment


async def run(
    script: CompiledScript,
    given: ScriptInput,
    answer_to: AnswerTo,
    limits: ScriptLimits = DEFAULT_SCRIPT_LIMITS,
    *,
    with_account: bool = False,
    answers: GivenAnswers | None = None,
) -> ScriptOutcome:
    """What the script decides. Raises what `answer_to` raises; every error of the script is in the outcome.

    `answers` may hold answers already, and holds all of them afterwards.
    """
    answers = answers if answers is not None else GivenAnswers()
    short = _short(limits)
    in_thread = False
    asked = long_runs = 0
    while True:
        try:
            if not in_thread:
                if _is_large(given.message):
                    outcome = await asyncio.to_thread(_run, script, given, answers, short, with_account)
                else:
                    outcome = _run(script, given, answers, short, with_account)
                if outcome.failure is None or short == limits:
                    return outcome
                in_thread = True  # the limit of the short run may be the reason, so the whole run decides
            long_runs += 1
            if long_runs > _MOST_LONG_RUNS:
                return _failed("the script asks for too much after too much work")
            return await asyncio.to_thread(_run, script, given, answers, limits, with_account)
        except Unanswered as unanswered:
            asked += 1
            if asked > MOST_QUESTIONS:
                return _failed(f"the script asks for more than {MOST_QUESTIONS} mailboxes, memories, scripts and lists")
            answers.given[unanswered.question] = await answer_to(unanswered.question)


def _run(
    script: CompiledScript, given: ScriptInput, answers: GivenAnswers, limits: ScriptLimits, with_account: bool
) -> ScriptOutcome:
    return run_script(script, given.message, given.envelope, given.environment, answers, limits, with_account)


def _is_large(message: SieveMessage) -> bool:
    """Whether a test of the header alone may take long."""
    return message.scan.header_end + len(message.prefix) > _HEADER_ON_LOOP


def _short(limits: ScriptLimits) -> ScriptLimits:
    """The limits of a run on the event loop."""
    return msgspec.structs.replace(
        limits, steps=min(limits.steps, _STEPS_ON_LOOP), work=min(limits.work, _WORK_ON_LOOP)
    )


def _failed(text: str) -> ScriptOutcome:
    return ScriptOutcome((KeepAction(implicit=True),), failure=ScriptFailure(0, text))
