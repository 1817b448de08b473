"""Follows the people of a directory elsewhere: reads all from time to time, and applies what changed.

A search that fails or is not complete changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from services.directory.adapters.ldap_directory import LdapDirectory, LdapUnavailable
from services.directory.domain.ldap_people import LdapChanges, LdapPerson, LinkedUser, are_too_many_missing, changes
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers.ldap_commands import PAGE, LdapCommands, linked_users
from services.directory.ldap_settings import LdapSettings
from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.owner.health import note
from shared.rpc.mailfold.owner.v1 import owner_pb2

T = TypeVar("T")
R = TypeVar("R")
_PROVENANCE = Provenance(Actor("service", "ldap"))
_MOST_SKIPPED = 100
_LONGEST_PAUSE = 300.0


class LdapReport(msgspec.Struct, frozen=True):
    """What a reading of the directory elsewhere brought."""

    at: int = 0
    """UTC microseconds since the epoch; 0: there was none yet."""
    people: int = 0
    users: int = 0
    """Users here who were people there before."""
    added: int = 0
    missing: int = 0
    """Users whose person has gone since the reading before."""
    disabled: int = 0
    back: int = 0
    skipped: tuple[str, ...] = ()
    """Sentences about people who could not be followed, at most a hundred."""
    problem: str = ""
    """Why nothing was changed."""


class LdapSync:
    """The background task, and the readings that an operator asks for."""

    def __init__(
        self,
        service: str,
        store: EventStore,
        ldap: LdapDirectory,
        settings: LdapSettings,
        commands: LdapCommands,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ldap = ldap
        self._settings = settings
        self.url = settings.url
        """Where the directory is; empty without one."""
        self.source = ldap if settings.url else None
        """The directory elsewhere; None without such a directory."""
        self._commands = commands
        self._clock = clock
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
        """Add what keeps people from being followed."""
        note(reply, self.last.problem, "see `mailfold ldap show`")

    async def _turn(self) -> None:
        await self.sync(_PROVENANCE)

    async def sync(self, provenance: Provenance, *, dry_run: bool = False, accept_missing: bool = False) -> LdapReport:
        """Read everybody, and apply what changed. Raises LdapUnavailable, StoreUnavailable."""
        now = self._clock.now()
        try:
            people = await self._ldap.people()
        except LdapUnavailable as error:
            self.last = msgspec.structs.replace(self.last, problem=f"the people of {self._settings.url}: {error}")
            raise
        users = await self._linked()
        changed = changes(people, users, now, self._settings.disable_after_days)
        report = LdapReport(now, len(people), len(users), missing=len(changed.missing))
        if not accept_missing and are_too_many_missing(changed, len(users), self._settings.most_missing_percent):
            report = msgspec.structs.replace(report, problem=self._doubt(report))
        else:
            skipped = () if dry_run else await self._apply(changed, now, provenance)
            report = msgspec.structs.replace(
                report,
                added=len(changed.new),
                disabled=len(changed.due),
                back=len(changed.back),
                skipped=tuple(skipped[:_MOST_SKIPPED]),
            )
        if not dry_run:
            self.last = report
        return report

    def _doubt(self, report: LdapReport) -> str:
        text = f"{report.missing} of {report.users} users are missing in {self.url}: nothing was changed"
        return f"{text}; `mailfold ldap sync --accept-missing` if that is right"

    async def link(self, name: str, person_name: str, provenance: Provenance) -> str:
        """Make a user here the person of that name. Raises DirectoryRefused, LdapUnavailable."""
        people = [person for person in await self._ldap.people() if person.name == person_name]
        if len(people) != 1:
            raise DirectoryRefused("missing", f"{len(people)} people there have the name {person_name}")
        return await self._store.write(partial(self._commands.link, name=name, person=people[0], provenance=provenance))

    async def _apply(self, changed: LdapChanges, now: int, provenance: Provenance) -> Sequence[str]:
        """Apply what changed; returns a sentence for each person who could not be followed."""
        commands = self._commands
        skipped = await self._add(changed.new, changed.linked, provenance)
        await self._in_pages(changed.missing, lambda tx, page: commands.note_missing(tx, page, now, provenance))
        await self._in_pages(changed.due, lambda tx, page: commands.disable(tx, page, provenance))
        await self._in_pages(changed.back, lambda tx, page: commands.note_back(tx, page, provenance))
        return skipped

    async def _add(
        self,
        new: Sequence[LdapPerson],
        linked: Sequence[tuple[LinkedUser, LdapPerson]],
        provenance: Provenance,
    ) -> Sequence[str]:
        """Add the users, then the accounts of old and new users."""
        skipped = await self._in_pages(new, lambda tx, page: self._commands.add(tx, page, provenance))
        by_entry = {person.entry: person for person in new}
        added = [user for user in await self._linked() if user.entry in by_entry]
        everybody = [*linked, *((user, by_entry[user.entry]) for user in added)]
        without = await self._in_pages(everybody, lambda tx, page: self._commands.add_accounts(tx, page, provenance))
        return [text for texts in (*skipped, *without) for text in texts]

    async def _in_pages(self, items: Sequence[T], work: Callable[[Transaction, Sequence[T]], R]) -> list[R]:
        """The results of small units of work, between which others are served."""
        return [
            await self._store.write(partial(_call, work=work, page=items[start : start + PAGE]))
            for start in range(0, len(items), PAGE)
        ]

    async def _linked(self) -> list[LinkedUser]:
        users: list[LinkedUser] = []
        while page := await self._store.read(partial(linked_users, after=users[-1].id if users else "")):
            users += page
        return users


def _call(tx: Transaction, work: Callable[[Transaction, Sequence[T]], R], page: Sequence[T]) -> R:
    return work(tx, page)
