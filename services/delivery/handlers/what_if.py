"""Runs a script over the mail that came to an account, and says which of it would go elsewhere than it went.

Each mail has its own envelope and verdict, and the time of its delivery as the present. Nothing is written; duplicates
and vacation responses are remembered within the window only, in the order in which the mails came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from services.delivery.domain.destinations import Destinations, PresentMailboxes, deciding_step, recorded
from services.delivery.domain.script_effects import may_be_answered
from services.delivery.domain.script_steps import JUNK, MailboxKey
from services.delivery.domain.simulated import simulated_steps
from services.delivery.domain.trial_totals import GoesElsewhere, TrialTotals, actions_of
from services.delivery.domain.window_memory import WindowMemory
from services.delivery.handlers.past_mails import MailsRead, PastMail
from services.delivery.handlers.script_trials import ScriptTrials, TrialResult
from shared.blobs.errors import BadBlobId, BlobDamaged, BlobError, BlobMissing
from shared.events.delivery import Step
from shared.grpc.errors import Unavailable
from shared.protocol.sieve.actions import SieveAction, VacationAction
from shared.scripts.running import ScriptInput

InputOf = Callable[[PastMail], Awaitable[ScriptInput]]
"""What scripts run over for a mail. Raises BlobError, ServiceError."""
GONE = (BlobMissing, BlobDamaged, BadBlobId)
"""Errors of a message that cannot be read any more."""
MOST_WORK = 20_000_000_000
"""Octets that the scripts of one trial may compare, copy and decode."""
MOST_FAILURES = 1_000
"""Mails at which the script may fail before the trial ends."""


class Examined(NamedTuple):
    """A mail that would go elsewhere."""

    past: PastMail
    difference: GoesElsewhere


class WhatIfBatch(NamedTuple):
    """How far a trial is."""

    elsewhere: list[Examined]
    read_to: int
    log_begins: int
    ended: str = ""
    """Why it ends before the end of the window."""


class WhatIf:
    """One trial. `present` has the scripts of today, when these are compared and not what was done."""

    def __init__(
        self,
        input_of: InputOf,
        tried: ScriptTrials,
        present: ScriptTrials | None,
        mailboxes: PresentMailboxes,
        default_seconds: int,
    ) -> None:
        self._input_of = input_of
        self._tried = tried
        self._present = present
        self._mailboxes = mailboxes
        self._memory, self._present_memory = WindowMemory(default_seconds), WindowMemory(default_seconds)
        self._work = 0
        self.totals = TrialTotals()

    async def over(self, batches: AsyncIterator[MailsRead]) -> AsyncIterator[WhatIfBatch]:
        """Examine mails, oldest first. Raises BlobError, ServiceError and StoreUnavailable."""
        async for batch in batches:
            elsewhere: list[Examined] = []
            for past in batch.mails:
                difference = await self._examine(past)
                await asyncio.sleep(0)  # most runs need not wait for anything, and the others have their turn here
                if difference is not None:
                    elsewhere.append(Examined(past, difference))
                if ended := self._ended():
                    yield WhatIfBatch(elsewhere, past.at, batch.log_begins, ended)
                    return
            yield WhatIfBatch(elsewhere, batch.read_to, batch.log_begins)

    def _ended(self) -> str:
        if self._work > MOST_WORK:
            return "the script works too much for so many mails; choose fewer days"
        if self.totals.failed >= MOST_FAILURES:
            return f"the script has failed at {self.totals.failed} mails"
        return ""

    async def _examine(self, past: PastMail) -> GoesElsewhere | None:
        """How a mail would go elsewhere; None when it would not, or cannot be examined."""
        if past.mail is None:
            self.totals.unknown += 1
            return None
        try:
            given = await self._input_of(past)
            result = await self._run(self._tried, past, given, self._memory)
            steps = self._steps(past, given, result)
            would_be = recorded(steps, (), self._mailboxes)
            was = await self._was(past, given, would_be)
        except GONE:
            self.totals.gone += 1
            return None
        except BlobError as error:
            raise Unavailable(f"a message cannot be read at present: {error}", "blobs") from error
        answers = self._memory.remember(_effective(past, result), past.at)
        self.totals.count(would_be, result.state, answers=answers, is_duplicate=result.is_duplicate)
        if would_be == was:
            return None
        self.totals.elsewhere += 1
        return self._difference(steps, result, was, would_be)

    def _difference(
        self, steps: Sequence[Step], result: TrialResult, was: Destinations, would_be: Destinations
    ) -> GoesElsewhere:
        step = deciding_step(steps, was, self._mailboxes)
        failures = result.state.failures
        if not failures:
            return GoesElsewhere(was, would_be, step.line, step.rule, "")
        failed = failures[0]
        return GoesElsewhere(was, would_be, failed.failure.line, failed.script, failed.failure.text)

    async def _was(self, past: PastMail, given: ScriptInput, would_be: Destinations) -> Destinations:
        """Where the mail went, or would go with the scripts of today."""
        if self._present is None:
            was = recorded(past.steps, (copy.mailbox for copy in past.stored), self._mailboxes)
            # A redirect to an address here is a step of that account, which says nothing of who redirected.
            return was.with_addresses(would_be.addresses & past.others)
        result = await self._run(self._present, past, given, self._present_memory)
        self._present_memory.remember(_effective(past, result), past.at)
        return recorded(self._steps(past, given, result), (), self._mailboxes)

    async def _run(self, trials: ScriptTrials, past: PastMail, given: ScriptInput, memory: WindowMemory) -> TrialResult:
        result = await trials.over(given, memory, past.at)
        self._work += result.work
        return result

    def _steps(self, past: PastMail, given: ScriptInput, result: TrialResult) -> tuple[Step, ...]:
        assert past.mail is not None
        addresses = frozenset(address.lower() for address in given.environment.addresses)
        names = {**result.names, MailboxKey("", "", JUNK): self._mailboxes.name_with_use(JUNK) or JUNK}
        return simulated_steps(past.mail, past.steps[0], result.state, names, addresses)


def _effective(past: PastMail, result: TrialResult) -> list[SieveAction]:
    """The actions, without the answer to a sender who has perhaps not written this mail."""
    actions = list(actions_of(result.state))
    if past.mail is not None and may_be_answered(past.mail, past.steps[0].account):
        return actions
    return [action for action in actions if not isinstance(action, VacationAction)]
