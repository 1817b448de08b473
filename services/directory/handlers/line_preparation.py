"""Prepares lines of an import before their unit of work: hashes of passwords, and keys of new domains.

No password goes further than this module.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from services.directory.adapters.bulk_hashing import BulkHasher
from services.directory.domain import ready_hashes
from services.directory.domain.bulk_lines import LineMistake, PreparedLine, parsed
from services.directory.domain.dkim import NewDomain
from services.directory.domain.line_kinds import AccountLine, DomainLine, UserLine
from services.directory.domain.names import domain_name
from services.directory.domain.new_passwords import checked_password
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load
from shared.eventstore.connection import Reader
from shared.eventstore.event import HIDDEN
from shared.eventstore.store import EventStore

Numbered = tuple[int, bytes]


class LinePreparation:
    """Makes what takes long; on all cores, beside the event loop."""

    def __init__(
        self,
        store: EventStore,
        hasher: BulkHasher,
        new_domain: Callable[[str], Awaitable[NewDomain]],
        password_length: int,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._new_domain = new_domain
        self._password_length = password_length

    async def prepare(self, lines: Sequence[Numbered], *, trial: bool) -> tuple[list[PreparedLine], list[LineMistake]]:
        """The lines with everything they need, and the mistakes that are seen so far. A trial makes no key or hash."""
        prepared, mistakes = list[PreparedLine](), list[LineMistake]()
        for number, octets in lines:
            try:
                line = self._checked(PreparedLine(number, parsed(octets), len(octets)))
                prepared.append(line)
            except DirectoryRefused as refused:
                mistakes.append(LineMistake(number, refused.reason, str(refused)))
        if not trial:
            prepared = await self._with_domains(await self._with_hashes(prepared))
        return [_without_password(line) for line in prepared], mistakes

    def _checked(self, prepared: PreparedLine) -> PreparedLine:
        """A line whose name and password are acceptable. Raises DirectoryRefused."""
        line = prepared.line
        if isinstance(line, DomainLine):
            domain_name(line.name)
        if not isinstance(line, UserLine | AccountLine):
            return prepared
        if line.password and line.password_hash:
            raise DirectoryRefused("invalid", "give a password or a password_hash, not both")
        if line.password_hash:
            return prepared._replace(password_hash=ready_hashes.checked(line.password_hash))
        if line.password:
            checked_password(line.password, self._password_length)
        return prepared

    async def _with_hashes(self, lines: Sequence[PreparedLine]) -> list[PreparedLine]:
        """The lines with hashes of those passwords whose user is not there yet."""
        passwords = [_password_of(prepared) for prepared in lines]
        if not any(passwords):
            return list(lines)
        present = await self._store.read(lambda reader: [_is_present(reader, prepared) for prepared in lines])
        new = [at for at, password in enumerate(passwords) if password and not present[at]]
        hashes = await self._hasher.hash_all([checked_password(passwords[at], self._password_length) for at in new])
        made = dict(zip(new, hashes, strict=True))
        return [
            prepared._replace(password_hash=made.get(at, prepared.password_hash)) for at, prepared in enumerate(lines)
        ]

    async def _with_domains(self, lines: Sequence[PreparedLine]) -> list[PreparedLine]:
        """The lines with ids and DKIM keys of new domains."""
        return await asyncio.gather(*map(self._with_domain, lines))

    async def _with_domain(self, prepared: PreparedLine) -> PreparedLine:
        if not isinstance(prepared.line, DomainLine):
            return prepared
        return prepared._replace(new_domain=await self._new_domain(prepared.line.name))


def _password_of(prepared: PreparedLine) -> str:
    return prepared.line.password if isinstance(prepared.line, UserLine | AccountLine) else ""


def _is_present(reader: Reader, prepared: PreparedLine) -> bool:
    line = prepared.line
    name = line.name if isinstance(line, UserLine) else line.user_name if isinstance(line, AccountLine) else ""
    return bool(name) and load.user_id(reader, name) is not None


def _without_password(prepared: PreparedLine) -> PreparedLine:
    """The line without the password, of which only the presence counts from here on."""
    line = prepared.line
    if isinstance(line, UserLine | AccountLine) and line.password:
        return prepared._replace(line=msgspec.structs.replace(line, password=HIDDEN))
    return prepared
