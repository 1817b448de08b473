"""Runs a script over the messages of a mailbox, a page at a time, and says what is to be done with each of them.

Other requests are served between messages, and a long run is in a thread. All messages see the same «now»: the time at
which the application began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from services.mailstore.domain.script_application import Decided, Filing, filing_of, left_out
from services.mailstore.handlers.script_answers import (
    AnnotationOf,
    ScriptAnswers,
    SourceOf,
    no_annotation,
)
from services.mailstore.handlers.script_application_rows import MessageChoice
from services.mailstore.handlers.script_messages import ScriptMessages, StoredMessage, rows_after
from shared.blobs.errors import BlobDamaged, BlobMissing
from shared.events.applying import ScriptError
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, above
from shared.protocol.sieve.extensions import ScriptContext
from shared.protocol.sieve.outcome import ScriptOutcome
from shared.protocol.sieve.program import CompiledScript
from shared.scripts import running
from shared.scripts.owner import ScriptOwner, ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.questions import GivenAnswers
from shared.turns import Turns

_PAGE = 100
"""Rows of a page; each may have a prefix of some ten kilobytes."""
_WORK = 200_000_000
"""Octets of the script's work after which a page ends: some seconds, most of them in threads."""
_WORK_ON_LOOP = 1_000_000


class Application(NamedTuple):
    """A script that is ready to run over messages of a mailbox."""

    account: str
    mailbox: str
    program: CompiledScript
    owner: ScriptOwner
    answers: ScriptAnswers
    choice: MessageChoice
    now: int
    """UTC microseconds."""


class DecidedPage(NamedTuple):
    """What is decided about the messages up to a UID."""

    decided: Sequence[Decided]
    through: int
    is_last: bool

    @property
    def work(self) -> int:
        """The octets that the script compared, copied and decoded."""
        return sum(message.work for message in self.decided)


class ScriptDecisions:
    """Decides, and changes nothing."""

    def __init__(
        self,
        store: EventStore,
        messages: ScriptMessages,
        programs: Programs,
        owners: ScriptOwners,
        source_of: SourceOf,
        turns: Turns,
        annotation_of: AnnotationOf = no_annotation,
    ) -> None:
        self._store = store
        self._messages = messages
        self._programs = programs
        self._owners = owners
        self._source_of = source_of
        self._turns = turns
        self._annotation_of = annotation_of

    async def ready(self, account: str, mailbox: str, source: str, choice: MessageChoice, now: int) -> Application:
        """The application. Raises InvalidScript, NotFound, ServiceError."""
        context = ScriptContext.APPLY_NOW
        program = await self._programs.program_soon(source.encode(), context)
        answers = ScriptAnswers(
            self._store, self._programs, account, context, self._source_of, annotation_of=self._annotation_of
        )
        return Application(account, mailbox, program, await self._owners.of(account), answers, choice, now)

    async def page(self, application: Application, after: int, most: int) -> DecidedPage:
        """What the script decides about the next messages with UIDs above `after`, at most `most`.

        Raises BlobError, StoreUnavailable when something is away for the moment.
        """
        left = above(application.choice.ranges, after)
        if not left or most <= 0:
            return DecidedPage((), after, True)
        first, last = left[0][0], left[-1][1]
        rows = await self._store.read(
            lambda reader: rows_after(reader, application.mailbox, first - 1, min(_PAGE, most), last)
        )
        decided, through = await self._decided(application, rows, left)
        await self._turns.spend(rows=len(rows))
        if rows and through < rows[-1].uid:
            return DecidedPage(decided, through, False)
        is_last = len(rows) < min(_PAGE, most) or rows[-1].uid >= last
        return DecidedPage(decided, rows[-1].uid if rows else last, is_last)

    async def _decided(
        self, application: Application, rows: Sequence[StoredMessage], left: Ranges
    ) -> tuple[list[Decided], int]:
        """What is decided about messages, and the UID of the last of them; costly ones end the page."""
        given, decided, work, through = GivenAnswers(), list[Decided](), 0, 0
        for row in rows:
            if work > _WORK:
                break
            if row.internal_date >= application.choice.since and _is_in(left, row.uid):
                decided.append(await self._decide(application, row, given))
                work += decided[-1].work
            through = row.uid
        return decided, through

    async def _decide(self, application: Application, row: StoredMessage, given: GivenAnswers) -> Decided:
        try:
            outcome = await self._outcome(application, row, given)
        except (BlobMissing, BlobDamaged) as error:
            return _undecided(row, ScriptError(row.uid, str(error)))
        failure = outcome.failure
        error_of = ScriptError(row.uid, failure.text[:500], failure.line) if failure is not None else None
        before = row.flags
        return Decided(
            row.uid,
            row.modseq,
            row.size,
            before,
            filing_of(outcome, before),
            left_out(outcome) if failure is None else (),
            error_of,
            outcome.work,
        )

    async def _outcome(self, application: Application, row: StoredMessage, given: GivenAnswers) -> ScriptOutcome:
        input_of = await self._messages.input_of(row, application.owner, application.now)
        outcome = await running.run(
            application.program, input_of, application.answers, self._programs.limits, answers=given
        )
        await self._turns.spend(octets=min(outcome.work, _WORK_ON_LOOP))
        return outcome


def _is_in(spans: Ranges, uid: int) -> bool:
    at = bisect_right(spans, (uid, 1 << 62)) - 1
    return at >= 0 and uid <= spans[at][1]


def _undecided(row: StoredMessage, error: ScriptError) -> Decided:
    return Decided(row.uid, row.modseq, row.size, row.flags, Filing(True, row.flags), error=error)
