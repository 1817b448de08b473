"""FILTER: searches that are stored as annotations of the server take the place of their names (RFC 5466)."""

from __future__ import annotations

import msgspec

from services.access.commands.answer import Handler
from services.access.session.session import ImapSession
from shared.grpc.errors import LimitReached
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap import search_key as k
from shared.protocol.imap.commands import GetMetadata, SearchReturn
from shared.protocol.imap.entry_name import InvalidEntryName, entry_name
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ordering_commands import Sort, Thread
from shared.protocol.imap.parse.search import stored_program
from shared.protocol.imap.response_code import Code
from shared.protocol.imap.state import needs_numbers

_MOST_READ = 50
"""Filters that one search may read, those within filters included."""
_DEEPEST = 5
"""Filters within filters."""
_PLACES = ("/private/filters/values/", "/shared/filters/values/")
_Searching = c.Search | Sort | Thread | MultiSearch


class UndefinedFilter(Exception):
    """There is no filter of this name, or it is no search."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def with_filters(handler: Handler) -> Handler:
    """The handler of a searching command, with the stored searches in the place of their names."""

    async def handle(session: ImapSession, command: _Searching) -> bytes:
        if k.uses_filters(command.key):
            try:
                key = await _Resolution(session).resolved(command.key, 0)
            except UndefinedFilter as undefined:
                _forget_saved(session, command)
                code = f"UNDEFINED-FILTER {undefined.name}".encode()
                return response.no(command.tag, "There is no such filter", code)
            command = msgspec.structs.replace(command, key=key)
            if session.uid_only and needs_numbers(command):  # RFC 9586 §3
                _forget_saved(session, command)
                return response.bad(command.tag, "UIDONLY is enabled", Code.UIDREQUIRED)
        return await handler(session, command)

    return handle


def _forget_saved(session: ImapSession, command: _Searching) -> None:
    if not isinstance(command, Thread) and SearchReturn.SAVE in (command.returns or ()):
        session.saved = NumberSet()


class _Resolution:
    """Replaces the names in one search."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._read: dict[str, k.SearchKey] = {}
        self._keys_left = k.MAX_KEYS

    async def resolved(self, key: k.SearchKey, depth: int) -> k.SearchKey:
        """The key with stored searches. Raises UndefinedFilter, LimitReached."""
        self._keys_left -= 1
        if self._keys_left < 0 or depth > k.MAX_DEPTH:
            raise LimitReached("the filters of the search are too large", "LIMIT")
        match key:
            case k.And(keys):
                return k.And(tuple([await self.resolved(inner, depth + 1) for inner in keys]))
            case k.Or(keys):
                return k.Or(tuple([await self.resolved(inner, depth + 1) for inner in keys]))
            case k.Not(inner):
                return k.Not(await self.resolved(inner, depth + 1))
            case k.Fuzzy(inner):
                return k.Fuzzy(await self.resolved(inner, depth + 1))
            case k.NamedFilter(name):
                return await self.resolved(await self._stored(name), depth + k.MAX_DEPTH // _DEEPEST)
            case _:
                return key

    async def _stored(self, name: str) -> k.SearchKey:
        lower = name.lower()
        if lower not in self._read:
            if len(self._read) >= _MOST_READ:
                raise LimitReached(f"a search may have at most {_MOST_READ} filters", "LIMIT")
            self._read[lower] = await self._parsed(name)
        return self._read[lower]

    async def _parsed(self, name: str) -> k.SearchKey:
        value = await self._value(name)
        if value is None:
            raise UndefinedFilter(name)
        try:
            return stored_program(value)
        except ImapSyntaxError:
            raise UndefinedFilter(name) from None

    async def _value(self, name: str) -> bytes | None:
        """The private filter of the account, else the shared one."""
        try:
            entries = tuple([entry_name(f"{place}{name}") for place in _PLACES])
        except InvalidEntryName:
            return None
        session = self._session
        listed = await session.backend.annotations.listed(session.account, "", GetMetadata(b"", "", entries))
        values = {entry.entry: entry.value for entry in listed.annotations if entry.HasField("value")}
        return next((values[entry] for entry in entries if entry in values), None)
