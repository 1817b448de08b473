"""Questions and commands about annotations (RFC 5464)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from services.mailstore.domain import annotations as decide
from services.mailstore.domain.annotations import AnnotationLimits, Kept, NewValues
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.handlers import load, own_seen_switch, queries
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.events.metadata import AnnotationsChanged
from shared.events.scripts import SERVER
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance, decode
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.hourly_octets import HourlyOctets
from shared.protocol.imap.entry_name import (
    SHARED,
    Depth,
    InvalidEntryName,
    entry_base,
    entry_name,
    is_within,
)

T = TypeVar("T")
_OF_MAILBOX = "SELECT entry, value FROM annotation WHERE owner = ? AND mailbox = ?"
_NAMES = "SELECT entry, length(value) FROM annotation WHERE owner = ? AND mailbox = ?"
_VALUE = "SELECT value FROM annotation WHERE owner = ? AND mailbox = ? AND entry = ?"
_TOTAL = "SELECT count(*) FROM annotation WHERE owner = ?"
_CHANGES = (
    "SELECT version, type, schema, data FROM event WHERE stream = ? AND version > ? AND type = ?"
    " ORDER BY version DESC LIMIT ?"
)
_CHANGES_LISTED, _VERSIONS_SEARCHED = 100, 5000
MOST_ENTRIES = 1000
"""Entries that one command may name."""


class AnnotationAnswer(NamedTuple):
    """The answer to GETMETADATA."""

    annotations: list[tuple[str, bytes | None]]
    """In the order of names; None: the entry was named and is not there."""
    longest: int
    """The octets of the longest value that was left out."""


class ChangedEntries(NamedTuple):
    """Entries that were changed."""

    mailbox: str
    """A name; empty for the server, and for a mailbox of another account, of which they are private entries."""
    id: str
    """That of the mailbox; empty for the server."""
    entries: list[str]


class AnnotationCommands:
    """The commands."""

    def __init__(self, store: EventStore, settings: MailstoreSettings, clock: Clock) -> None:
        self._store = store
        self._growth = HourlyOctets(clock, settings.annotated_octets_per_hour)
        self._limits = AnnotationLimits(
            settings.annotation_octets, settings.mailbox_annotations, settings.account_annotations
        )

    async def value(self, account: str, mailbox: str, entry: str) -> bytes | None:
        """The value of one entry, or None. A name that nothing can have has none, and so has a missing mailbox."""
        return await self._store.read(lambda reader: value_of(reader, account, mailbox, entry))

    async def listed(
        self, account: str, mailbox: str, entries: list[str], depth: Depth, most_octets: int | None
    ) -> AnnotationAnswer:
        """The named entries, and those below them as far as `depth` says. Raises MailboxRefused."""
        bases = [_checked(entry_base, entry) for entry in _few(entries)]
        return await self._store.read(lambda reader: _listed(reader, account, mailbox, bases, depth, most_octets))

    async def listed_of_other(
        self, account: str, owner: str, mailbox: str, entries: list[str], depth: Depth, most_octets: int | None
    ) -> AnnotationAnswer:
        """The same for a mailbox of another account, by id: what everybody sees, and the account's private entries."""
        bases = [_checked(entry_base, entry) for entry in _few(entries)]

        def ask(reader: Reader) -> AnnotationAnswer:
            sizes = {entry: (owner, size) for entry, size in _names(reader, owner, mailbox) if entry.startswith(SHARED)}
            own = _names(reader, account, mailbox)
            sizes |= {entry: (account, size) for entry, size in own if not entry.startswith(SHARED)}
            return _answered(reader, mailbox, sizes, bases, depth, most_octets)

        return await self._store.read(ask)

    async def change_of_other(
        self, account: str, owner: str, mailbox: str, given: NewValues, provenance: Provenance
    ) -> tuple[int, bool]:
        """Set and remove entries of a mailbox of another account, by id: private ones are kept for the account alone.

        Returns the version of the account, and whether anything changed. Raises MailboxRefused.
        """
        canonical = [(_checked(entry_name, entry), value) for entry, value in _few(list(given))]
        octets = sum(len(value) for _, value in canonical if value is not None)
        if octets and self._growth.is_spent(account):
            raise MailboxRefused("LIMIT", "the account has set many annotations within this hour; try again later")

        def work(tx: Transaction) -> tuple[int, bool]:
            if tx.answered(provenance.command):
                return tx.version(account), True
            load.mailbox_by_id(tx, owner, mailbox)
            done = False
            for holder in (account, owner):
                values = [(entry, value) for entry, value in canonical if entry.startswith(SHARED) == (holder == owner)]
                events = decide.change(holder, mailbox, values, _kept(tx, holder, mailbox), self._limits)
                done = bool(tx.append(holder, events, provenance)) or done
            return tx.version(account), done

        version, changed = await self._store.write(work)
        if changed:
            self._growth.add(account, octets)
        return version, changed

    async def changes(self, account: str, since: int) -> tuple[list[ChangedEntries], int]:
        """The entries that were changed after a version, and the account's version."""
        return await self._store.read(lambda reader: _changes(reader, account, since))

    async def change(self, account: str, mailbox: str, given: NewValues, provenance: Provenance) -> tuple[int, bool]:
        """Set and remove entries, all or none.

        Returns the version of the account, and whether anything changed. Raises MailboxRefused. What an account may set
        within an hour is counted in memory.
        """
        canonical = [(_checked(entry_name, entry), value) for entry, value in _few(list(given))]
        decide.settable(account, mailbox, canonical)
        is_long = own_seen_switch.check(mailbox, canonical)
        octets = sum(len(value) for _, value in canonical if value is not None)
        if octets and self._growth.is_spent(account):
            raise MailboxRefused("LIMIT", "the account has set many annotations within this hour; try again later")

        def work(tx: Transaction) -> tuple[int, bool]:
            if tx.answered(provenance.command):
                return tx.version(account), True
            if account != SERVER and load.closing_of(tx, account):
                raise MailboxRefused("CLOSED", "the account was removed")
            identity = load.mailbox_by_name(tx, account, mailbox).id if mailbox else ""
            kept = _kept(tx, account, identity)
            if is_long:
                own_seen_switch.check(identity, canonical)
            events = decide.change(account, identity, canonical, kept, self._limits)
            tx.append(account, [*events, *own_seen_switch.consequences(tx, account, events)], provenance)
            return tx.version(account), bool(events)

        version, changed = await self._store.write(work, long=is_long)
        if changed:
            self._growth.add(account, octets)
        return version, changed


def _changes(reader: Reader, account: str, since: int) -> tuple[list[ChangedEntries], int]:
    version = queries.version_of(reader, account)
    after = max(since, version - _VERSIONS_SEARCHED)
    rows = reader.all(_CHANGES, (account, after, AnnotationsChanged.stored_name, _CHANGES_LISTED))
    changed: dict[str, dict[str, None]] = {}
    for _, kind, schema, data in reversed(rows):
        event = decode(kind, schema, bytes(data))
        assert isinstance(event, AnnotationsChanged)
        changed.setdefault(event.mailbox, {}).update((value.entry, None) for value in event.values)
    names = {mailbox: load.mailbox_if_any(reader, account, mailbox, "") if mailbox else [] for mailbox in changed}
    return [
        ChangedEntries(names[mailbox][0].name if names[mailbox] else "", mailbox, list(entries))
        for mailbox, entries in changed.items()
    ], version


def value_of(reader: Reader, account: str, mailbox: str, entry: str) -> bytes | None:
    """The value of an entry of a mailbox by name, or of the server for an empty name; None: not there."""
    try:
        name = entry_name(entry)
        owner = decide.place_of(account, mailbox, name)
        identity = load.mailbox_by_name(reader, account, mailbox).id if mailbox else ""
    except (InvalidEntryName, MailboxRefused):
        return None
    row = reader.first_row(_VALUE, (owner, identity, name))
    return None if row is None else bytes(row[0])


def annotation_text(reader: Reader, account: str, mailbox: str, entry: str) -> str | None:
    """The value of an entry of a mailbox by id (empty: the server) as a script compares it (RFC 5490)."""
    try:
        name = entry_name(entry)
        owner = decide.place_of(account, mailbox, name)
    except (InvalidEntryName, MailboxRefused):
        return None
    row = reader.first_row(_VALUE, (owner, mailbox, name))
    return None if row is None else bytes(row[0]).decode("utf-8", "replace")


def _listed(
    reader: Reader, account: str, mailbox: str, bases: list[str], depth: Depth, most_octets: int | None
) -> AnnotationAnswer:
    identity = load.mailbox_by_name(reader, account, mailbox).id if mailbox else ""
    sizes = {
        entry: (owner, size) for owner in _owners(account, mailbox) for entry, size in _names(reader, owner, identity)
    }
    return _answered(reader, identity, sizes, bases, depth, most_octets)


def _answered(
    reader: Reader,
    identity: str,
    sizes: Mapping[str, tuple[str, int]],
    bases: list[str],
    depth: Depth,
    most_octets: int | None,
) -> AnnotationAnswer:
    """The answer from the owner and the octets of each entry of a mailbox."""
    chosen = {entry for entry in sizes for base in bases if is_within(entry, base, depth)}
    fitting = [entry for entry in sorted(chosen) if most_octets is None or sizes[entry][1] <= most_octets]
    annotations: list[tuple[str, bytes | None]] = []
    for entry in fitting:
        row = reader.first_row(_VALUE, (sizes[entry][0], identity, entry))
        annotations.append((entry, None if row is None else bytes(row[0])))
    if depth is Depth.EXACT:
        annotations += [(base, None) for base in dict.fromkeys(bases) if base not in sizes]
    longest = max((sizes[entry][1] for entry in chosen.difference(fitting)), default=0)
    return AnnotationAnswer(annotations, longest)


def _owners(account: str, mailbox: str) -> tuple[str, ...]:
    """Under whom entries are kept: those of the server under the account, and under the server itself."""
    return (account,) if mailbox or account == SERVER else (account, SERVER)


def _names(reader: Reader, owner: str, mailbox: str) -> Iterable[tuple[str, int]]:
    rows = reader.all(_NAMES, (owner, mailbox))
    return [(entry, size) for entry, size in rows if owner != SERVER or entry.startswith(SHARED)]


def _kept(reader: Reader, owner: str, mailbox: str) -> Kept:
    values = {entry: bytes(value) for entry, value in reader.all(_OF_MAILBOX, (owner, mailbox))}
    total = reader.first_row(_TOTAL, (owner,))
    return Kept(values, total[0] if total else 0)


def _checked(read: Callable[[str], str], entry: str) -> str:
    try:
        return read(entry)
    except InvalidEntryName as invalid:
        raise MailboxRefused("CANNOT", str(invalid)) from invalid


def _few(entries: list[T]) -> list[T]:
    if len(entries) > MOST_ENTRIES:
        raise MailboxRefused("TOOMANY", f"one command names at most {MOST_ENTRIES} annotations")
    return entries
