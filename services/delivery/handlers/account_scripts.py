"""Runs single scripts over the copy of a mail for an account, and gives the forms of the message that they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.mail import AcceptedMail, seen_prefix
from services.delivery.domain.script_chain import ChainState, MessageForm
from services.delivery.domain.script_environment import envelope_of
from services.delivery.domain.script_steps import MailboxKey, key_of_action
from services.delivery.handlers.account_mailboxes import AccountMailboxes
from services.delivery.handlers.mail_contents import MailContent, MailContents
from shared.protocol.sieve.actions import FileIntoAction, KeepAction, MessageEdits, SieveAction
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.environment import SieveEnvironment
from shared.protocol.sieve.mail.message import SieveMessage
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome
from shared.scripts.programs import Programs
from shared.scripts.questions import AnswerTo, GivenAnswers
from shared.scripts.running import ScriptInput, run
from shared.scripts.sources import ScriptSource

_BY_VERDICT = b"x-spam-"
"""Fields that the verdict adds begin so."""


class SeenMail(NamedTuple):
    """A mail as the scripts of an account see it."""

    mail: AcceptedMail
    got: AccountTarget
    contents: MailContents
    environment: SieveEnvironment


class AccountScripts:
    """Runs scripts, and remembers what was asked for all of them."""

    def __init__(self, seen: SeenMail, programs: Programs, boxes: AccountMailboxes, answer_to: AnswerTo) -> None:
        self._seen = seen
        self._programs = programs
        self._boxes = boxes
        self._answer_to = answer_to
        self._answers = GivenAnswers()
        self.names: dict[MailboxKey, str] = {}
        """The mailboxes into which the scripts file."""

    async def outcome(self, chain: ChainState, script: ScriptSource) -> ScriptOutcome:
        """What a script decides about the mail in the form that the scripts before it have left."""
        try:
            program = await self._programs.program_soon(script.source)
        except InvalidScript as invalid:
            note = invalid.errors[0]
            return failed(note.place.line, f"the script cannot be compiled: {note.text}")
        content = await self._content(chain)
        message = SieveMessage(
            content.blob,
            content.scan,
            chain.form.added + self._prefix(chain),
            b"" if self._seen.environment.is_judged else _BY_VERDICT,
        )
        given = ScriptInput(message, envelope_of(self._seen.mail, self._seen.got), self._seen.environment)
        decided = await run(program, given, self._answer_to, self._programs.limits, answers=self._answers)
        return decided if decided.failure is not None else await self._with_places(decided)

    async def forms(self, chain: ChainState, outcome: ScriptOutcome) -> dict[MessageEdits, MessageForm]:
        """The forms of the message at its actions and at its end."""
        content, prefix = await self._content(chain), self._prefix(chain)
        return {
            edits: await self._seen.contents.form_of(edits, chain.form, prefix, content)
            for edits in dict.fromkeys((outcome.edits, *_edits(outcome)))
        }

    async def _with_places(self, outcome: ScriptOutcome) -> ScriptOutcome:
        """The outcome; a script that files into a mailbox that does not exist has failed (RFC 5228 §4.1)."""
        for action in outcome.actions:
            if isinstance(action, FileIntoAction):
                key = key_of_action(action)
                name = await self._boxes.place_of(key, create=action.create)
                if name is None:
                    text = f'there is no mailbox "{action.mailbox}"' if not action.create else _NO_NAME
                    return failed(action.line, text, outcome.actions, outcome.work)
                self.names[key] = name
        return outcome

    async def _content(self, chain: ChainState) -> MailContent:
        return await self._seen.contents.of(chain.form.edited or self._seen.mail.message.blob)

    def _prefix(self, chain: ChainState) -> bytes:
        """The lines that delivery puts on top, as far as scripts have left them."""
        if chain.form.prefix is not None:
            return chain.form.prefix
        target = self._seen.got.target
        return seen_prefix(self._seen.mail, target.address, target.account)


_NO_NAME = "no mailbox can have the name that the script makes"


def failed(line: int, text: str, abandoned: tuple[SieveAction, ...] = (), work: int = 0) -> ScriptOutcome:
    """The outcome of a script that has failed."""
    failure = ScriptFailure(line, text, abandoned=abandoned)
    return ScriptOutcome((KeepAction(implicit=True),), failure=failure, work=work)


def _edits(outcome: ScriptOutcome) -> Iterator[MessageEdits]:
    return (edits for action in outcome.actions if isinstance(edits := getattr(action, "edits", None), MessageEdits))
