"""Runs scripts over a mail to see what they would decide: the chain of delivery, with one script tried in it.

Nothing is done, written or remembered. What scripts ask about the account is asked once for all mails of a trial.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from services.delivery.domain.script_chain import AS_ACCEPTED, ChainState, MessageForm, after_script, label
from services.delivery.domain.script_steps import MailboxKey, key_of_action
from services.delivery.domain.window_memory import WindowMemory
from services.delivery.handlers.account_mailboxes import AccountMailboxes
from services.delivery.handlers.account_scripts import failed
from shared.events.scripts import ACTIVE
from shared.protocol.sieve.actions import UNEDITED, FileIntoAction, MessageEdits
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.mail.message import SieveMessage, message_in_memory
from shared.protocol.sieve.mail.view import PresentMessage
from shared.protocol.sieve.outcome import ScriptOutcome, StepNote
from shared.protocol.sieve.program import CompiledScript
from shared.scripts.questions import Answer, AnswerTo, GivenAnswers, QuestionKind, ScriptQuestion
from shared.scripts.running import ScriptInput, run

_MOST_ANSWERS = 10_000
"""Answers that are kept for the next mails; a script that asks for more names what comes from the mails."""
_EDITED = MessageForm(added=b"\r\n")
"""Stands for any change of a message, which a trial does not write."""


class ChainLink(NamedTuple):
    """A script of the chain that delivery runs."""

    place: str
    name: str
    program: CompiledScript


class ScriptChain(NamedTuple):
    """The scripts that run over a mail, in order."""

    links: tuple[ChainLink, ...]
    ends_at_keep: bool = False


class TrialStep(NamedTuple):
    """A step of a run; `script` is empty for the script of the account."""

    script: str
    note: StepNote


class TrialResult(NamedTuple):
    """What a chain has decided about a mail."""

    state: ChainState
    names: Mapping[MailboxKey, str]
    """The mailboxes into which the scripts file."""
    steps: tuple[TrialStep, ...]
    work: int
    is_duplicate: bool
    """Whether a test of duplicates was true."""


class ScriptTrials:
    """Runs a chain over the mails of an account, one after the other."""

    def __init__(self, chain: ScriptChain, boxes: AccountMailboxes, answer_to: AnswerTo, limits: ScriptLimits) -> None:
        self._chain = chain
        self._boxes = boxes
        self._answer_to = answer_to
        self._limits = limits
        self._answers: dict[ScriptQuestion, Answer] = {}

    async def over(
        self, given: ScriptInput, memory: WindowMemory | None, now: int, *, with_steps: bool = False
    ) -> TrialResult:
        """What the chain decides about a mail that comes at `now`. Raises what the answers raise.

        Without a memory of the window, that of the account says what is a duplicate; it is only read.
        """
        state, work, steps, names = ChainState(), 0, list[TrialStep](), dict[MailboxKey, str]()
        answers = GivenAnswers(self._answers)
        answer_to = _Answers(self._answer_to, memory, now)
        for link in self._chain.links:
            if state.ended:
                break
            outcome = await run(link.program, given, answer_to, self._limits, with_account=with_steps, answers=answers)
            work += outcome.work
            name = "" if link.place == ACTIVE else label(link.place, link.name)
            steps += (TrialStep(name, note) for note in outcome.steps)
            outcome = await self._with_places(outcome, names)
            ends_at_keep = self._chain.ends_at_keep
            state = after_script(state, link.place, link.name, outcome, _form_of, ends_at_keep=ends_at_keep)
            if outcome.edits != UNEDITED and link is not self._chain.links[-1]:
                message = await asyncio.to_thread(edited, given.message, outcome.edits)
                given = msgspec.structs.replace(given, message=message)
        self._keep_answers(answers)
        return TrialResult(state, names, tuple(steps), work, answer_to.is_duplicate)

    async def _with_places(self, outcome: ScriptOutcome, names: dict[MailboxKey, str]) -> ScriptOutcome:
        """The outcome; a script that files into a mailbox that does not exist has failed (RFC 5228 §4.1)."""
        for action in outcome.actions if outcome.failure is None else ():
            if isinstance(action, FileIntoAction):
                key = key_of_action(action)
                name = await self._boxes.place_of(key, create=action.create)
                if name is None:
                    text = f'there is no mailbox "{action.mailbox}"'
                    return failed(action.line, text, outcome.actions, outcome.work)
                names[key] = name
        return outcome

    def _keep_answers(self, answers: GivenAnswers) -> None:
        """Keep what is the same for all mails."""
        if len(answers.given) <= _MOST_ANSWERS:
            self._answers = {
                question: answer
                for question, answer in answers.given.items()
                if question.kind is not QuestionKind.IS_DUPLICATE
            }


class _Answers:
    """Answers from the memory of the window, and for all else from the account."""

    def __init__(self, answer_to: AnswerTo, memory: WindowMemory | None, now: int) -> None:
        self._answer_to = answer_to
        self._memory = memory
        self._now = now
        self.is_duplicate = False

    async def __call__(self, question: ScriptQuestion) -> Answer:
        if question.kind is not QuestionKind.IS_DUPLICATE:
            return await self._answer_to(question)
        if self._memory is None:
            is_duplicate = bool(await self._answer_to(question))
        else:
            is_duplicate = self._memory.is_duplicate(question.arguments[0] or "", self._now)
        self.is_duplicate = self.is_duplicate or is_duplicate
        return is_duplicate


def _form_of(edits: MessageEdits) -> MessageForm:
    return AS_ACCEPTED if edits == UNEDITED else _EDITED


def edited(message: SieveMessage, edits: MessageEdits) -> SieveMessage:
    """The message as a script has changed it, for the next script."""
    if edits.content is not None:
        return message_in_memory(edits.content)
    present, deleted = PresentMessage(message), frozenset(edits.deleted)
    lines = [field.line for field in present.fields() if field.origin not in deleted]
    header = b"".join(line if line.endswith(b"\n") else line + b"\r\n" for line in (*edits.top, *lines, *edits.bottom))
    return message_in_memory(header + b"\r\n" + present.octets(message.scan.header_end, message.scan.size))
