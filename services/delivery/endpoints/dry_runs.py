"""Serves the DryRuns contract."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any

import msgspec

from services.delivery.domain.destinations import PresentMailboxes
from services.delivery.handlers.delivery_trials import DeliveryTrials, TestedScript, TestOrder, WindowOrder
from services.delivery.handlers.script_trials import TrialStep
from services.delivery.handlers.what_if import Examined, WhatIfBatch
from shared.clock import Clock
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Invalid
from shared.owner.mail_owners import Owners
from shared.protocol.sieve.diagnostic import InvalidScript, ScriptNote
from shared.protocol.sieve.run import shown_action
from shared.rpc.mailfold.delivery.v1 import dryruns_pb2 as pb
from shared.rpc.mailfold.delivery.v1.dryruns_pb2_grpc import DryRunsServicer

_OURS = Provenance(Actor("service", "delivery"))
"""What a trial asks it asks for itself, once it is known that the caller may try."""
_DAY = 86_400_000_000
MOST_DAYS = 3650
LATEST = 221_845_392_000_000_000
"""The latest present of a trial, in UTC microseconds: the year 9000. Dates of Python end a thousand years later."""
MOST_LISTED = 10_000
MOST_MESSAGE = 48 << 20
"""Octets of a message that is tried."""
MOST_NAME = 128


class DryRunsEndpoint(DryRunsServicer):
    """Answers the operator, and owners about their accounts."""

    def __init__(self, trials: DeliveryTrials, owners: Owners, clock: Clock, script_octets: int) -> None:
        self._trials = trials
        self._owners = owners
        self._clock = clock
        self._script_octets = script_octets

    async def TestScript(self, request: pb.TestScriptRequest, context: Any) -> pb.TestScriptReply:
        await self._owners.check(request.account, "DryRuns/TestScript")
        self._check_script(request.source, request.name)
        if len(request.message) > MOST_MESSAGE:
            raise Invalid(f"the message has more than {MOST_MESSAGE} octets", "message")
        if not 0 <= request.now <= LATEST:
            raise Invalid("the time is before 1970 or after the year 9000", "now")
        with acting(_OURS):
            try:
                program = await self._trials.compiled(request.source)
            except InvalidScript as invalid:
                return pb.TestScriptReply(errors=_notes(invalid.errors), warnings=_notes(invalid.warnings))
            order = TestOrder(
                request.account,
                program,
                request.name,
                request.message,
                request.queue_id,
                request.sender if request.HasField("sender") else None,
                request.recipient,
                request.now,
                request.spam_percent if request.HasField("spam_percent") else None,
            )
            tested = await self._trials.test(order)
        return _tested(tested, program.warnings)

    async def WhatIf(self, request: pb.WhatIfRequest, context: Any) -> AsyncIterator[pb.WhatIfPart]:
        await self._owners.check(request.account, "DryRuns/WhatIf")
        self._check_script(request.source, request.name)
        if not 1 <= request.days <= MOST_DAYS:
            raise Invalid(f"a window has 1 to {MOST_DAYS} days", "days")
        until = self._clock.now()
        since = until - request.days * _DAY
        with acting(_OURS):
            try:
                program = await self._trials.compiled(request.source)
            except InvalidScript as invalid:
                yield pb.WhatIfPart(errors=_notes(invalid.errors), warnings=_notes(invalid.warnings))
                return
            order = WindowOrder(request.account, program, request.name, since, until, request.compare_active)
            yield pb.WhatIfPart(warnings=_notes(program.warnings), since=since, until=until, read_to=since)
            async with aclosing(self._parts(order, min(request.most_listed, MOST_LISTED))) as parts:
                async for part in parts:
                    yield part

    async def _parts(self, order: WindowOrder, most_listed: int) -> AsyncGenerator[pb.WhatIfPart]:
        mailboxes = await self._trials.mailboxes(order.account)
        last = pb.WhatIfPart(since=order.since, until=order.until, read_to=order.until, complete=True)
        async with aclosing(self._trials.what_if(order)) as batches:
            async for batch, totals in batches:
                listed = [await self._shown(order.account, entry, mailboxes) for entry in batch.elsewhere[:most_listed]]
                most_listed -= len(listed)
                part = _part(order, batch, listed, pb.WhatIfTotals(**msgspec.structs.asdict(totals)))
                last.totals.CopyFrom(part.totals)
                last.log_begins, last.ended = part.log_begins, part.ended
                yield part
        if last.ended:
            last.complete = False
        yield last

    async def _shown(self, account: str, examined: Examined, mailboxes: PresentMailboxes) -> pb.GoesElsewhere:
        past, difference = examined
        assert past.mail is not None
        return pb.GoesElsewhere(
            queue_id=past.queue_id,
            at=past.at,
            author=past.mail.message.author,
            subject=past.mail.message.subject,
            was=difference.was.shown(mailboxes),
            would_be=difference.would_be.shown(mailboxes),
            line=difference.line,
            rule=difference.rule,
            failure=difference.failure,
            moved=await self._trials.is_moved(account, past),
        )

    def _check_script(self, source: bytes, name: str) -> None:
        if len(source) > self._script_octets:
            raise Invalid(f"the script has more than {self._script_octets} octets", "script")
        if len(name) > MOST_NAME:
            raise Invalid(f"the name of a script has at most {MOST_NAME} characters", "name")


def _part(
    order: WindowOrder, batch: WhatIfBatch, listed: Iterable[pb.GoesElsewhere], totals: pb.WhatIfTotals
) -> pb.WhatIfPart:
    return pb.WhatIfPart(
        elsewhere=listed,
        totals=totals,
        since=order.since,
        until=order.until,
        read_to=batch.read_to,
        log_begins=batch.log_begins,
        ended=batch.ended,
    )


def _tested(tested: TestedScript, warnings: tuple[ScriptNote, ...]) -> pb.TestScriptReply:
    state = tested.result.state
    decisions = (*state.decisions, *([state.keep] if state.keep is not None else []))
    return pb.TestScriptReply(
        warnings=_notes(warnings),
        steps=map(_step, tested.result.steps),
        actions=[
            pb.DecidedAction(script=decision.script, action=msgspec.json.encode(shown_action(decision.action)))
            for decision in decisions
        ],
        failures=[
            pb.FailureOfScript(script=failed.script, line=failed.failure.line, text=failed.failure.text)
            for failed in state.failures
        ],
        would=tested.lines,
    )


def _step(step: TrialStep) -> pb.RunStep:
    note = step.note
    script = " ".join(part for part in (step.script, note.script) if part)
    return pb.RunStep(script=script, line=note.line, text=note.text, result=note.result)


def _notes(notes: Iterable[ScriptNote]) -> list[pb.NoteInScript]:
    return [pb.NoteInScript(line=note.place.line, column=note.place.column, text=note.text) for note in notes]
