"""A mailbox store in which scripts are applied to the mail of mailboxes, through the contract."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from services.mailstore.endpoints.applying import ApplyingEndpoint
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.script_application_runner import ApplicationRunner
from services.mailstore.handlers.script_applications import ScriptApplications
from services.mailstore.handlers.script_decisions import ScriptDecisions
from services.mailstore.handlers.script_dry_run import DryRuns
from services.mailstore.handlers.script_filing import ScriptFiling
from services.mailstore.handlers.script_messages import ScriptMessages
from services.mailstore.projections.current import CURRENT
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock, SystemClock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.ids import IdKind, Ids
from shared.rpc.mailfold.mailstore.v1 import applying_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from shared.scripts.owner import ScriptOwner, ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.script_work import ScriptWork
from tests.harness.waiting import until_true
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore

SCRIPTS: Mapping[tuple[str, str], bytes] = {(ACCOUNT, "archive"): b'require "fileinto"; fileinto "Archive";'}


class _Ann(ScriptOwners):
    """Replaces the directory."""

    def __init__(self) -> None: ...

    async def of(self, account: str) -> ScriptOwner:
        return ScriptOwner("ann@example.org", ("ann@example.org",))


class _OnlyOperators(Owners):
    """Replaces the directory; no call is made in the name of a user."""

    def __init__(self) -> None: ...

    async def check(self, account: str, method: str) -> bool:
        return False


class ApplyingMailstore:
    """The contract, called as the operator. The runner is started by `run`, as by a process."""

    def __init__(self, mailstore: CountedMailstore, clock: Clock, limits: MailstoreSettings) -> None:
        self.mailstore, self.store = mailstore, mailstore.store
        self._clock, self._limits = clock, limits
        self._ids = Ids(clock)
        self.work = ScriptWork(clock, limits.application_work * 1_000_000)
        self._decisions = ScriptDecisions(
            self.store,
            ScriptMessages(mailstore.blobs, mailstore.turns),
            Programs(),
            _Ann(),
            _source_of,
            mailstore.turns,
        )
        self.runner = self.new_runner()

    def new_runner(self) -> ApplicationRunner:
        """A runner, such as the next process has."""
        filing = ScriptFiling(MailboxCommands(self._ids, self._clock, self._limits), self._ids, self._limits)
        self.runner = ApplicationRunner(self.store, self._decisions, filing, self.mailstore.quotas, self.work)
        self.store.on_commit(self.runner.committed)
        self._endpoint = ApplyingEndpoint(
            ScriptApplications(
                self.store,
                self._decisions,
                self.runner,
                _source_of,
                self._ids,
                self._clock,
                self.work,
                self._limits.script_applications,
            ),
            DryRuns(self.store, self._decisions, self._clock, self.work),
            _OnlyOperators(),
            1 << 18,
        )
        return self.runner

    async def apply(self, source: str, *, command: str = "", **fields: Any) -> pb.ScriptApplication:
        """Apply a script to INBOX, or another mailbox, and wait for its end."""
        request = pb.ApplyScriptRequest(**{"account": ACCOUNT, "source": source.encode(), **fields})
        return [advanced async for advanced in self._answers("ApplyScript", request, command)][-1]

    async def begin(self, source: str, **fields: Any) -> pb.ScriptApplication:
        """Begin an application and go away."""
        request = pb.ApplyScriptRequest(**{"account": ACCOUNT, "source": source.encode(), **fields})
        async with contextlib.aclosing(self._answers("ApplyScript", request)) as answers:
            async for advanced in answers:
                return advanced
        raise AssertionError("no answer")

    async def ended(self, application: str) -> pb.ScriptApplication:
        """The application when it runs no longer."""

        async def has_ended() -> bool:
            return await self.state(application) not in ("running", "undoing")

        await until_true(has_ended)
        return next(row for row in await self.listed() if row.id == application)

    async def state(self, application: str) -> str:
        """The state of an application."""
        return next(row.state for row in await self.listed() if row.id == application)

    async def undo(self, application: str) -> pb.ScriptApplication:
        """Undo an application and wait for the end."""
        request = pb.UndoApplicationRequest(id=application)
        return [advanced async for advanced in self._answers("UndoApplication", request)][-1]

    async def begin_undo(self, application: str) -> None:
        """Begin to undo an application and go away."""
        request = pb.UndoApplicationRequest(id=application)
        async with contextlib.aclosing(self._answers("UndoApplication", request)) as answers:
            async for _ in answers:
                return

    async def listed(self) -> list[pb.ScriptApplication]:
        """The applications of the account."""
        with acting(Provenance(Actor("operator"))):
            reply = await self._endpoint.ListApplications(pb.ListApplicationsRequest(account=ACCOUNT), None)
        return list(reply.applications)

    async def uids(self, name: str = "INBOX") -> list[int]:
        """The UIDs of a mailbox."""
        sql = "SELECT uid FROM entry JOIN mailbox ON mailbox.id = entry.mailbox WHERE account = ? AND name = ?"
        rows = await self.store.read(lambda reader: reader.all(f"{sql} ORDER BY uid", (ACCOUNT, name)))
        return [uid for (uid,) in rows]

    async def mailbox(self, name: str) -> mailstore_pb2.Mailbox | None:
        """A mailbox, or None."""
        listed: mailstore_pb2.MailboxList = await self.mailstore.call(
            "ListMailboxes", mailstore_pb2.ListMailboxesRequest(account=ACCOUNT, name=name)
        )
        return listed.mailboxes[0] if listed.mailboxes else None

    async def flags(self, name: str = "INBOX") -> dict[str, str]:
        """The flags of the messages of a mailbox by subject, which is a number."""
        sql = (
            f"SELECT internal_date, system, keywords FROM {CURRENT} JOIN mailbox ON mailbox.id = entry.mailbox"
            " WHERE account = ? AND name = ? ORDER BY uid"
        )
        rows = await self.store.read(lambda reader: reader.all(sql, (ACCOUNT, name)))
        return {str(number): f"{system} {keywords}" for number, system, keywords in rows}

    async def events(self, kind: type) -> list[Any]:
        """The events of a kind in the stream of the account."""
        return [
            entry.event
            for entry in await self.store.read_stream(ACCOUNT, limit=100_000)
            if isinstance(entry.event, kind)
        ]

    async def _answers(self, method: str, request: Any, command: str = "") -> AsyncIterator[pb.ScriptApplication]:
        provenance = Provenance(Actor("operator", "root"), command=command or self._ids.new(IdKind.COMMAND))
        with acting(provenance):
            async for answer in getattr(self._endpoint, method)(request, None):
                yield answer


@contextlib.asynccontextmanager
async def applying_mailstore(
    database: Any, limits: MailstoreSettings | None = None
) -> AsyncIterator[ApplyingMailstore]:
    """A store whose runner works for the length of a block; then the log gives the same rows."""
    clock = SystemClock()
    async with counted_mailstore(database, steps=False, clock=clock) as mailstore:
        place = ApplyingMailstore(mailstore, clock, limits or MailstoreSettings())
        place.runner.start()
        try:
            yield place
        finally:
            await place.runner.stop()
        assert (await mailstore.store.verify()).equal


def _source_of(_reader: Reader, owner: str, name: str) -> bytes | None:
    return SCRIPTS.get((owner, name))
