"""The step of the directory in the erasure of a deleted account, which is the last one."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from services.directory.domain.erasures import ERASE, HeldAddress
from services.directory.domain.histories import name_of
from services.directory.handlers import erasures
from shared.background import BackgroundTask, woken_within
from shared.erasure.former_addresses import FormerAddress, FormerAddresses
from shared.erasure.log_erasure import Erased, rewritten
from shared.erasure.mail_marks import MailMarks
from shared.events.directory import SettingChanged
from shared.events.erasure import ErasureStepDone
from shared.eventstore.connection import Row, StoreUnavailable
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.eventstore.rewriting import Rewritten, drop_former_pages, page_after, rewrite
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import COLUMNS, Transaction, recorded_from

log = structlog.get_logger("directory")
_PAGE = 200
_IDLE_SECONDS = 30.0
_LOG_INS = "login."
"""Events from which no row follows. The others change together: an address is replaced where it was added and where it
was removed. They are few: what people changed about one account."""
_STREAM = f"SELECT {COLUMNS} FROM event WHERE stream = ? ORDER BY version"  # noqa: S608
_FORGET_NAME = "DELETE FROM former_name WHERE kind = ? AND key = ? AND stream = ?"
_KEEP_NAME = "INSERT INTO former_name (kind, key, stream) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_BY = Provenance(Actor("service", "directory"))


class DirectoryErasure:
    """The background task: it replaces the addresses of an account in all events about it."""

    def __init__(self, service: str, store: EventStore) -> None:
        self._service = service
        self._store = store
        self._wake = asyncio.Event()
        self._task = BackgroundTask(
            service, "account-erasure", self._turn, longest=4 * _IDLE_SECONDS, not_now=(StoreUnavailable,)
        )

    def start(self) -> None:
        """Begin, with erasures that an earlier process did not end."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; an erasure begins anew at the next start."""
        await self._task.stop()

    def committed(self, recorded: list[Recorded]) -> None:
        """Look when another service has ended its step."""
        if any(isinstance(entry.event, ErasureStepDone) for entry in recorded):
            self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        state = await self._store.read(partial(erasures.next_of, service=self._service, after=""))
        if state is None:
            await woken_within(self._wake, _IDLE_SECONDS)
            return
        await self._erase(state.account)

    async def _erase(self, account: str) -> None:
        held = await self._store.read(partial(erasures.addresses_of, account=account))
        addresses = [_former(former, separators) for former, separators in held]
        erased = Erased(account, FormerAddresses(account, addresses), MailMarks())
        changed: list[Rewritten] = []
        for shard, head in sorted((await self._store.heads()).items()):
            after = 0
            while after < head:
                rows = await self._store.read(partial(page_after, shard=shard, after=after, limit=_PAGE))
                if not rows:
                    break
                after = rows[-1][1]
                log_ins, others = await asyncio.to_thread(_changed, rows, erased)
                if log_ins:
                    await self._store.write(partial(_keep, changed=log_ins))
                changed += others
                self._task.advanced()
        await self._store.write(partial(_end, account=account, changed=changed, service=self._service), long=True)
        await drop_former_pages(self._store)
        log.info("directory.account_erased", account=account)


def _former(held: HeldAddress, separators: str) -> FormerAddress:
    return FormerAddress(held.address, separators, held.since, held.until)


def _changed(rows: list[Row], erased: Erased) -> tuple[list[Rewritten], list[Rewritten]]:
    """What changes in a page of events: log-ins, and the others.

    A setting that still names the address is left: it is shown when the account is removed, and is in force.
    """
    log_ins, others = list[Rewritten](), list[Rewritten]()
    for row in rows:
        event = None if row[4] == SettingChanged.stored_name else rewritten(row, erased, _as_it_is)
        if event is not None:
            (log_ins if row[4].startswith(_LOG_INS) else others).append(event)
    return log_ins, others


def _as_it_is(_event: Event) -> None:
    """The directory keeps what happened, by ids; only addresses are replaced."""


def _names_of(tx: Transaction, stream: str) -> list[tuple[str, str, str]]:
    """The names by which the history of an account is found (`projections/bulk.py`)."""
    events = [recorded_from(row).event for row in tx.all(_STREAM, (stream,))]
    return sorted({(*named, stream) for event in events if (named := name_of(event)) is not None})


def _keep(tx: Transaction, changed: list[Rewritten]) -> None:
    rewrite(tx.connection, changed)


def _end(tx: Transaction, account: str, changed: list[Rewritten], service: str) -> None:
    stream = f"account:{account}"
    names = _names_of(tx, stream)
    rewrite(tx.connection, changed)
    tx.connection.execute_many(_FORGET_NAME, names)
    tx.connection.execute_many(_KEEP_NAME, _names_of(tx, stream))
    erasures.end_step(tx, account, service, ERASE, _BY)
