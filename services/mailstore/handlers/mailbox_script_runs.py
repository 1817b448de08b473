"""Runs the scripts of mailboxes for what clients did there (RFC 6785), in pieces of a few messages.

A piece reads its messages, runs the script, lets delivery send what leaves, and does the rest in one commit together
with `mailbox_script.ran`. When the process dies before that commit, the piece is done again: what was sent is not sent
twice, and nothing else had happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from services.mailstore.domain.mailbox_scripts import MessageDecision, decision_of
from services.mailstore.handlers import load
from services.mailstore.handlers.annotations import annotation_text
from services.mailstore.handlers.mailbox_script_filing import (
    Decisions,
    FilingResult,
    MailboxScriptFiling,
    MailboxWork,
)
from services.mailstore.handlers.mailbox_script_rows import (
    NEXT,
    PRESENT,
    DueRun,
    NamedScript,
    due_run,
    environment_items,
    messages_there,
    named_script,
)
from services.mailstore.handlers.mailbox_script_sending import MailboxScriptSending
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.script_answers import ScriptAnswers
from services.mailstore.handlers.script_messages import ScriptMessages, StoredMessage
from services.mailstore.handlers.script_rows import source as source_of
from shared.background import BackgroundTask, woken_within
from shared.blobs.errors import BlobDamaged, BlobError, BlobMissing
from shared.clock import Clock
from shared.events.mailbox_scripts import MailboxScriptDue, MailboxScriptRan
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.failures import Failure, failure_of
from shared.grpc.call import acting
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.imap.ranges import above, pages
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.protocol.sieve.extensions import ScriptContext
from shared.protocol.sieve.program import CompiledScript
from shared.scripts import running
from shared.scripts.owner import ScriptOwner, ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.questions import GivenAnswers
from shared.scripts.script_work import ScriptWork

log = structlog.get_logger("mailstore")
PIECE = 50
"""Messages of a unit of work."""
PIECE_WORK = 64_000_000
"""Octets of the script's work after which a piece ends, so that no account waits long for another one."""
_FEW = 10
"""Messages and copies of a unit of work that runs on the event loop."""
SIEVE = Provenance(Actor("service", "mailstore", "sieve"))
"""What scripts do is done by this actor, and is no event for which a script runs."""
_IDLE_SECONDS = 30.0


class _Script(NamedTuple):
    """A script that is ready to run over messages."""

    program: CompiledScript
    owner: ScriptOwner
    answers: ScriptAnswers
    items: dict[str, str]
    known: GivenAnswers


class MailboxScriptRuns:
    """The background task."""

    def __init__(
        self,
        store: EventStore,
        messages: ScriptMessages,
        programs: Programs,
        owners: ScriptOwners,
        quotas: Quotas,
        filing: MailboxScriptFiling,
        sending: MailboxScriptSending,
        clock: Clock,
        work: ScriptWork,
    ) -> None:
        self._store = store
        self._messages = messages
        self._programs = programs
        self._owners = owners
        self._quotas = quotas
        self._filing = filing
        self._sending = sending
        self._clock = clock
        self._work = work
        self._wake = asyncio.Event()
        self._last = ""
        """The account whose turn was the last one; the next account follows, so that none waits for a busy one."""
        self._task = BackgroundTask(
            "mailstore",
            "mailbox-scripts",
            self._turn,
            longest=4 * _IDLE_SECONDS,
            not_now=(StoreUnavailable, ServiceError, BlobError),
        )

    def start(self) -> None:
        """Begin, with what an earlier process did not end."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; what is left is done after the next start."""
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Begin at once when a script is due."""
        if any(isinstance(entry.event, MailboxScriptDue) for entry in recorded):
            self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        if not await self.run_next():
            await woken_within(self._wake, _IDLE_SECONDS)

    async def run_next(self) -> bool:
        """Do a piece of the next account; returns whether there was one. Raises what is unavailable for the moment."""
        run = await self.next_due()
        if run is None:
            return False
        self._last = run.account
        with acting(SIEVE):
            await self._piece_or_end(run)
        return True

    async def _piece_or_end(self, run: DueRun) -> None:
        """Do a piece. What fails at every attempt would hold up the later events of the account for ever."""
        try:
            await self.piece(run)
        except Exception as error:
            if isinstance(error, ServiceError) or failure_of(error) is Failure.UNAVAILABLE:
                raise
            log.error("mailstore.mailbox_script_broken", account=run.account, due=run.due, exc_info=error)
            await self._end(run, "an error of this server; its log says more")

    async def next_due(self) -> DueRun | None:
        """The first event of the account after the one whose turn was last, or None when nothing is due."""
        row = await self._store.read(lambda reader: reader.first_row(NEXT, (self._last,)))
        if row is None and self._last:
            row = await self._store.read(lambda reader: reader.first_row(NEXT, ("",)))
        return due_run(row) if row is not None else None

    async def piece(self, run: DueRun) -> None:
        """Run the script over the next messages of an event. A repeat changes nothing."""
        script = await self._store.read(lambda reader: named_script(reader, run))
        if script is None:
            await self._end(run, "")
            return
        try:
            program = await self._compiled(script)
            owner = await self._owners.of(run.account)
        except InvalidScript as invalid:
            await self._end(run, f"the script has errors: {invalid}"[:500], script.name)
        except NotFound as gone:
            await self._end(run, gone.message[:500], script.name)
        else:
            uids = next(pages(above(run.uids, run.done_through), PIECE), ())
            rows = await self._store.read(lambda reader: messages_there(reader, run.mailbox, uids))
            decisions = await self._decided(run, script, program, owner, rows)
            is_whole = len(decisions) == len(rows)
            through = uids[-1][1] if uids and is_whole else decisions[-1][0].uid if decisions else run.done_through
            await self._carry_out(run, script, through, decisions)

    async def _compiled(self, script: NamedScript) -> CompiledScript:
        """The program. Raises InvalidScript, and NotFound when there is no such script."""
        if script.source is None:
            raise NotFound(f"there is no script {script.name}")
        return await self._programs.program_soon(script.source, ScriptContext.IMAP_EVENT)

    async def _decided(
        self, run: DueRun, script: NamedScript, program: CompiledScript, owner: ScriptOwner, rows: list[StoredMessage]
    ) -> Decisions:
        """What the script decides about each message; what leaves is sent."""
        answers = ScriptAnswers(
            self._store, self._programs, run.account, ScriptContext.IMAP_EVENT, source_of, annotation_text
        )
        run_of = _Script(program, owner, answers, environment_items(run, script, owner), GivenAnswers())
        decisions, work = [], 0
        for row in rows:
            decision, more = await self._decision(run, run_of, row)
            decisions.append((row, decision))
            self._task.advanced()
            work += more
            if work >= PIECE_WORK:
                break
        return decisions

    async def _decision(self, run: DueRun, script: _Script, row: StoredMessage) -> tuple[MessageDecision, int]:
        """What is decided about a message, when all that leaves is sent; and the work of it."""
        if self._work.is_spent(run.account):
            return _undecided("the scripts of this account have worked more than they may within an hour"), 0
        try:
            given = await self._messages.input_of(row, script.owner, self._clock.now(), script.items)
        except (BlobMissing, BlobDamaged) as error:
            return _undecided(str(error)), 0
        outcome = await running.run(script.program, given, script.answers, self._programs.limits, answers=script.known)
        self._work.add(run.account, outcome.work)
        return await self._sending.sent(run.account, run.due, row, decision_of(outcome)), outcome.work

    async def _carry_out(self, run: DueRun, script: NamedScript, through: int, decisions: Decisions) -> None:
        quota = await self._quotas.of(run.account)
        is_last = not above(run.uids, through)

        def work(tx: Transaction) -> FilingResult | None:
            present = tx.first_row(PRESENT, (run.account, run.due))
            if present is None or present[0] != run.done_through or load.closing_of(tx, run.account):
                return None  # done by another, or the account was removed meanwhile, which the next turn finds
            mailbox = load.mailbox_by_id(tx, run.account, run.mailbox)
            done = self._filing.carry_out(tx, MailboxWork(run.account, mailbox, quota, SIEVE), decisions)
            ran = MailboxScriptRan(run.account, run.mailbox, run.due, through, is_last, script.name, *done)
            tx.append(run.account, [ran], SIEVE)
            return done

        filed = sum(1 + len(decision.copies) for _, decision in decisions)
        done = await self._store.write(work, long=filed > _FEW)
        if done is not None and done.failed:
            log.warning("mailstore.mailbox_script_failed", account=run.account, script=script.name, **done._asdict())

    async def _end(self, run: DueRun, error: str, script: str = "") -> None:
        """End an event for which no script can run."""

        def work(tx: Transaction) -> None:
            if tx.first_row(PRESENT, (run.account, run.due)) is not None:
                last = run.uids[-1][1]
                ran = MailboxScriptRan(run.account, run.mailbox, run.due, last, True, script, error=error)
                tx.append(run.account, [ran], SIEVE)

        await self._store.write(work)
        if error:
            log.warning("mailstore.mailbox_script_unusable", account=run.account, script=script, error=error)


def _undecided(reason: str) -> MessageDecision:
    """The message stays as it is."""
    return MessageDecision(True, None, failure=reason)
