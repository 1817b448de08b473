"""Serves the Applying contract of the mailstore."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.endpoints.uid_bounds import ranges_of
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.script_application_rows import ApplicationRow
from services.mailstore.handlers.script_applications import ApplicationOrder, ScriptApplications, ScriptOrder
from services.mailstore.handlers.script_dry_run import DryRun, DryRuns
from services.mailstore.projections.script_applications import DONE, RUNNING
from shared.blobs.errors import BlobError
from shared.events.applying import ApplicationCounts, ScriptError, UndoCounts
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid, Unavailable
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.rpc.mailfold.mailstore.v1 import applying_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.applying_pb2_grpc import ApplyingServicer

_COUNTED = ("examined", "unchanged", "moved", "copied", "flagged", "discarded", "failed", "passed_over")


class ApplyingEndpoint(ApplyingServicer):
    """Answers the operator, and owners about their accounts."""

    def __init__(self, applications: ScriptApplications, dry_runs: DryRuns, owners: Owners, script_octets: int) -> None:
        self._applications = applications
        self._dry_runs = dry_runs
        self._owners = owners
        self._script_octets = script_octets

    async def ApplyScript(self, request: pb.ApplyScriptRequest, context: Any) -> AsyncIterator[pb.ScriptApplication]:
        await self._owners.check(request.account, "Applying/ApplyScript")
        order = self._order(request)
        with _as_contract_errors():
            prepared = await self._applications.prepared(order)
            if request.dry_run:
                async for run in self._dry_runs.run(prepared):
                    yield _dry(prepared, run)
                return
            application = await self._applications.begin(prepared, current_provenance())
            async for row in self._applications.progress(application):
                yield _shown(row)

    async def ListApplications(self, request: pb.ListApplicationsRequest, context: Any) -> pb.ScriptApplicationList:
        await self._owners.check(request.account, "Applying/ListApplications")
        listed = await self._applications.of_account(request.account)
        return pb.ScriptApplicationList(applications=[_shown(row) for row in listed])

    async def UndoApplication(
        self, request: pb.UndoApplicationRequest, context: Any
    ) -> AsyncIterator[pb.ScriptApplication]:
        with _as_contract_errors():
            row = await self._applications.application(request.id)
            await self._owners.check(row.account, "Applying/UndoApplication")
            await self._applications.undo(row.id, current_provenance())
            async for advanced in self._applications.progress(row.id):
                yield _shown(advanced)

    def _order(self, request: pb.ApplyScriptRequest) -> ScriptOrder:
        """What is ordered. Raises Invalid."""
        if bool(request.script) == bool(request.source):
            raise Invalid("name a script or give its source, and not both", "invalid")
        if len(request.source) > self._script_octets:
            raise Invalid(f"a script has at most {self._script_octets} octets", "MAXSIZE")
        try:
            request.source.decode()
        except UnicodeDecodeError:
            raise Invalid("a script is UTF-8, and this is not", "invalid") from None
        uids = ranges_of(list(request.uid_bounds))
        return ScriptOrder(
            request.account,
            request.mailbox or "INBOX",
            request.script,
            request.source,
            uids,
            request.since,
            request.limit,
        )


@contextmanager
def _as_contract_errors() -> Iterator[None]:
    """Raise what is wrong with the script, and what is away for the moment, as errors of the contract too."""
    try:
        with as_contract_errors():
            yield
    except InvalidScript as invalid:
        raise Invalid("; ".join(str(note) for note in invalid.errors[:10]), "script") from invalid
    except BlobError as error:
        raise Unavailable(f"a message cannot be read now: {error}", "blob") from error


def _shown(row: ApplicationRow) -> pb.ScriptApplication:
    shown = pb.ScriptApplication(
        id=row.id,
        account=row.account,
        mailbox=row.mailbox_name,
        script=row.script,
        state=row.state,
        reason=row.reason,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        total=row.total,
        undone=_undone(row.undone),
    )
    _count(shown, row.counts, row.errors)
    return shown


def _dry(order: ApplicationOrder, run: DryRun) -> pb.ScriptApplication:
    shown = pb.ScriptApplication(
        account=order.order.account,
        mailbox=order.mailbox_name,
        script=order.order.script,
        state=DONE if run.is_ended else RUNNING,
        total=order.total,
        filed=[pb.FiledInto(mailbox=name, messages=number) for name, number in sorted(run.filed.items())],
    )
    _count(shown, run.counts, run.errors)
    return shown


def _count(
    shown: pb.ScriptApplication, counts: ApplicationCounts, errors: tuple[ScriptError, ...] | list[ScriptError]
) -> None:
    for name in _COUNTED:
        setattr(shown, name, getattr(counts, name))
    shown.left_out.update(counts.left_out)
    shown.errors.extend(pb.ScriptErrorNote(uid=error.uid, line=error.line, text=error.text) for error in errors)


def _undone(counts: UndoCounts) -> pb.UndoneCounts:
    return pb.UndoneCounts(**{name: getattr(counts, name) for name in UndoCounts.__struct_fields__})
