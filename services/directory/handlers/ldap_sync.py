"""Follows the people and groups of a directory elsewhere: reads all from time to time, and applies what changed.

A search that fails or is not complete changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from services.directory.adapters.ldap_directory import LdapDirectory, LdapReading, LdapUnavailable
from services.directory.domain.ldap_people import pairs
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import ldap_commands, ldap_groups, ldap_rows
from services.directory.handlers.ldap_report import Comparison, LdapReport, compare
from services.directory.ldap_settings import LdapSettings
from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import Ids
from shared.owner.health import note
from shared.rpc.mailfold.owner.v1 import owner_pb2

T = TypeVar("T")
R = TypeVar("R")
PAGE = 25
"""People or groups of a unit of work, between which others are served: some 15 ms on the event loop."""
_PROVENANCE = Provenance(Actor("service", "ldap"))
_LONGEST_PAUSE = 300.0


class _Identified(Protocol):
    @property
    def id(self) -> str:
        """The id."""
        ...


S = TypeVar("S", bound=_Identified)


class LdapSync:
    """The background task, and the readings that an operator asks for."""

    def __init__(
        self, service: str, store: EventStore, ldap: LdapDirectory, settings: LdapSettings, ids: Ids, clock: Clock
    ) -> None:
        self._store = store
        self._ldap = ldap
        self._settings = settings
        self.url = settings.url
        """Where the directory is; empty without one."""
        self.source = ldap if settings.url else None
        """The directory elsewhere; None without such a directory."""
        self._users = ldap_commands.LdapCommands(ids)
        self._groups = ldap_groups.LdapGroupCommands(ids)
        self._clock = clock
        self._turns = asyncio.Lock()
        self.last = LdapReport()
        self._task = BackgroundTask(
            service,
            "ldap",
            every(settings.sync_seconds, self._turn),
            longest=3_600.0,
            not_now=(LdapUnavailable, StoreUnavailable),
            longest_pause=_LONGEST_PAUSE,
        )

    def start(self) -> None:
        """Read everybody now and from time to time."""
        if self._settings.url:
            self._task.start()

    async def stop(self) -> None:
        """Stop."""
        await self._task.stop()
        self._ldap.close()

    def report(self, reply: owner_pb2.ReportReply) -> None:
        """Add what keeps people and groups from being followed."""
        note(reply, self.last.problem, "see `mailfold ldap show`")

    async def _turn(self) -> None:
        await self.sync(_PROVENANCE)

    async def sync(self, provenance: Provenance, *, dry_run: bool = False, accept_missing: bool = False) -> LdapReport:
        """Read everybody, and apply what changed. Raises LdapUnavailable, StoreUnavailable."""
        async with self._turns:
            now = self._clock.now()
            comparison = await self._compare(await self._read(), now)
            problem = "" if accept_missing else comparison.doubt(self._settings)
            if problem:
                report = comparison.doubtful_report(now, problem)
            elif dry_run:
                report = comparison.report(now)
            else:
                report = await self._apply(comparison, now, provenance)
            if not dry_run:
                self.last = report
            return report

    async def link(self, name: str, person_name: str, provenance: Provenance) -> str:
        """Make a user here the person of that name. Raises DirectoryRefused, LdapUnavailable."""
        people = [person for person in (await self._read()).people if person.name == person_name]
        if len(people) != 1:
            raise DirectoryRefused("missing", f"{len(people)} people there have the name {person_name}")
        return await self._store.write(partial(self._users.link, name=name, person=people[0], provenance=provenance))

    async def unlink_group(self, name: str, provenance: Provenance) -> str:
        """Follow a group no longer; returns its name. Raises DirectoryRefused."""
        return await self._store.write(partial(self._groups.unlink, name=name, provenance=provenance))

    async def _read(self) -> LdapReading:
        try:
            return await self._ldap.reading()
        except LdapUnavailable as error:
            self.last = msgspec.structs.replace(self.last, problem=f"the people of {self._settings.url}: {error}")
            raise

    async def _compare(self, reading: LdapReading, now: int) -> Comparison:
        groups = await self._all(ldap_rows.linked_groups) if reading.groups is not None else []
        users = await self._all(ldap_rows.linked_users)
        return await asyncio.to_thread(compare, reading, users, groups, now, self._settings.disable_after_days)

    async def _apply(self, comparison: Comparison, now: int, provenance: Provenance) -> LdapReport:
        """Apply what changed: people first, because only users can be members."""
        skipped = await self._apply_people(comparison, now, provenance)
        report = comparison.report(now)
        if comparison.groups is not None:
            new = comparison.groups.new
            skipped += await self._in_pages(new, lambda tx, page: self._groups.add(tx, page, provenance))
            comparison = await self._compare(comparison.reading, now)
            skipped += await self._apply_groups(comparison, now, provenance)
            with_members = comparison.report(now)
            report = msgspec.structs.replace(report, joined=with_members.joined, left=with_members.left)
        return report.with_skipped([text for texts in skipped for text in texts])

    async def _apply_people(self, comparison: Comparison, now: int, provenance: Provenance) -> list[Sequence[str]]:
        changed, users = comparison.people, self._users
        skipped: list[Sequence[str]] = []
        skipped += await self._in_pages(changed.new, lambda tx, page: users.add(tx, page, provenance))
        present = await self._all(ldap_rows.linked_users) if changed.new else []
        everybody = await asyncio.to_thread(pairs, changed, present)
        behind = await self._where(everybody, ldap_commands.to_follow)
        skipped += await self._in_pages(behind, lambda tx, page: users.follow(tx, page, provenance))
        await self._in_pages(changed.missing, lambda tx, page: users.note_missing(tx, page, now, provenance))
        await self._in_pages(changed.due, lambda tx, page: users.disable(tx, page, provenance))
        return skipped

    async def _apply_groups(self, comparison: Comparison, now: int, provenance: Provenance) -> list[Sequence[str]]:
        changed, groups = comparison.groups, self._groups
        if changed is None:
            return []
        behind = await self._where(changed.linked, ldap_groups.to_follow)
        skipped = await self._in_pages(behind, lambda tx, page: groups.follow(tx, page, provenance))
        await self._in_pages(changed.missing, lambda tx, page: groups.note_missing(tx, page, now, provenance))
        await self._in_pages(changed.memberships, lambda tx, page: groups.change_members(tx, page, provenance))
        return [*skipped, changed.skipped]

    async def _in_pages(self, items: Sequence[T], work: Callable[[Transaction, Sequence[T]], R]) -> list[R]:
        """The results of small units of work, between which others are served."""
        results = []
        for start in range(0, len(items), PAGE):
            results.append(await self._store.write(partial(_call, work=work, page=items[start : start + PAGE])))
            self._task.advanced()
        return results

    async def _where(self, items: Sequence[T], ask: Callable[[Reader, Sequence[T]], list[T]]) -> list[T]:
        """The items that a question selects, read in pages; it costs no unit of work when nothing has changed."""
        selected = list[T]()
        for start in range(0, len(items), PAGE):
            selected += await self._store.read(partial(_ask, ask=ask, page=items[start : start + PAGE]))
            await asyncio.sleep(0)  # an embedded store answers at once
        return selected

    async def _all(self, read_page: Callable[[Reader, str], list[S]]) -> list[S]:
        items = list[S]()
        while page := await self._store.read(partial(_page, read_page=read_page, after=items[-1].id if items else "")):
            items += page
            await asyncio.sleep(0)
        return items


def _call(tx: Transaction, work: Callable[[Transaction, Sequence[T]], R], page: Sequence[T]) -> R:
    return work(tx, page)


def _ask(reader: Reader, ask: Callable[[Reader, Sequence[T]], list[T]], page: Sequence[T]) -> list[T]:
    return ask(reader, page)


def _page(reader: Reader, read_page: Callable[[Reader, str], list[S]], after: str) -> list[S]:
    return read_page(reader, after)
