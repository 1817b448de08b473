"""Counts what an application of a script would do, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.script_application import MessageGroup, counted, grouped, together
from services.mailstore.domain.state import TRASH
from services.mailstore.handlers import load
from services.mailstore.handlers.script_application_runner import WORN_OUT
from services.mailstore.handlers.script_applications import ApplicationOrder
from services.mailstore.handlers.script_decisions import DecidedPage, ScriptDecisions
from services.mailstore.handlers.script_filing import place_there
from services.mailstore.projections.script_applications import ERRORS_KEPT
from shared.clock import Clock
from shared.events.applying import ApplicationCounts, ScriptError
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.scripts.script_work import ScriptWork

MOST_NAMES = 1000
"""Mailboxes whose messages are counted one by one; those of the others are counted together."""
OTHERS = "(other mailboxes)"


class DryRun:
    """What the script would do so far."""

    def __init__(self) -> None:
        self.counts = ApplicationCounts()
        self.errors: list[ScriptError] = []
        self.filed: dict[str, int] = {}
        """Messages by the name of the mailbox into which they would be moved or copied."""
        self.is_ended = False

    def add(self, reader: Reader, order: ApplicationOrder, page: DecidedPage) -> None:
        """Count what is decided about a page."""
        waiting = [message for message in page.decided if message.changes]
        errors = [message.error for message in page.decided if message.error is not None]
        idle = len(page.decided) - len(waiting) - len(errors)
        self.counts = together(together(self.counts, counted(page.decided)), ApplicationCounts(unchanged=idle))
        for group in grouped(waiting):
            try:
                self.counts = together(self.counts, self._group(reader, order, group))
            except MailboxRefused as refused:
                errors.append(ScriptError(group.uids[0][0], str(refused)[:500]))
                self.counts = together(self.counts, ApplicationCounts(failed=group.messages))
        self.errors = [*self.errors, *errors][:ERRORS_KEPT]
        self.is_ended = page.is_last

    def _group(self, reader: Reader, order: ApplicationOrder, group: MessageGroup) -> ApplicationCounts:
        names, number, filing = _names(reader, order, group), group.messages, group.filing
        stays = filing.stays or names.pop(order.mailbox, None) is not None
        for name in names.values():
            name = name if name in self.filed or len(self.filed) < MOST_NAMES else OTHERS
            self.filed[name] = self.filed.get(name, 0) + number
        flagged = stays and filing.flags != group.before
        if filing.is_discarded:
            return ApplicationCounts(unchanged=number) if stays else ApplicationCounts(discarded=number)
        return ApplicationCounts(
            moved=0 if stays else number,
            copied=number * (len(names) if stays else len(names) - 1),
            flagged=number if flagged else 0,
            unchanged=number if stays and not names and not flagged else 0,
        )


def _names(reader: Reader, order: ApplicationOrder, group: MessageGroup) -> dict[str, str]:
    """The names of the mailboxes of a group by their ids; one that would be created has none yet.

    Raises MailboxRefused.
    """
    account = order.order.account
    if group.filing.is_discarded:
        trash = load.mailbox_by_use(reader, account, TRASH)
        if trash is None:
            raise MailboxRefused("NONEXISTENT", "there is no mailbox for deleted mail")
        return {trash.id: trash.name}
    names: dict[str, str] = {}
    for place in group.filing.places:
        there = place_there(reader, account, place)
        if there is None and not place.create:
            raise MailboxRefused("NONEXISTENT", f"there is no mailbox {place.name}")
        names[there.id if there else f"/{place.name}"] = there.name if there else place.name
    return names


class DryRuns:
    """Runs scripts without effect, once at a time for each account."""

    def __init__(self, store: EventStore, decisions: ScriptDecisions, clock: Clock, work: ScriptWork) -> None:
        self._store = store
        self._decisions = decisions
        self._clock = clock
        self._work = work
        self._running: set[str] = set()

    async def run(self, order: ApplicationOrder) -> AsyncIterator[DryRun]:
        """What the script would do, page by page. Raises MailboxRefused, BlobError, ServiceError."""
        account = order.order.account
        if account in self._running:
            raise MailboxRefused("CANNOT", "a dry run of this account is not over yet")
        self._running.add(account)
        try:
            async for run in self._pages(order):
                yield run
        finally:
            self._running.discard(account)

    async def _pages(self, order: ApplicationOrder) -> AsyncIterator[DryRun]:
        run, through, most = DryRun(), 0, order.choice.most or 1 << 40
        account, now = order.order.account, self._clock.now()
        application = await self._decisions.ready(account, order.mailbox, order.source, order.choice, now)
        while not run.is_ended:
            page = await self._decisions.page(application, through, most - run.counts.examined)
            through = page.through
            await self._store.read(lambda reader, page=page: run.add(reader, order, page))  # type: ignore[misc]
            yield run
            self._work.add(account, page.work)
            if self._work.is_spent(account) and not run.is_ended:
                raise MailboxRefused("LIMIT", WORN_OUT)
