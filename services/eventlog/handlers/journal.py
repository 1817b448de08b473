"""Answers the journal of an account from the log, newest first, in pages of bounded work."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids, type_names
from services.eventlog.domain.journal import KINDS, JournalLine, JournalOwner, line_of, may_be_listed
from services.eventlog.domain.keys import WHO, key_of
from services.eventlog.domain.log_id import LAST, begin_of
from shared.eventstore.connection import Reader
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.eventlog.v1 import journal_pb2 as pb

_CHUNK = 50
"""Events that are in memory at once; one may have 100 KB."""
_PAGE_OCTETS = 4 * 1024 * 1024
"""Octets of events behind the entries of a page, above which the page ends."""
_SCANNED = 20_000
"""Events about the account that a page examines; a page may be empty and have a next one."""


class JournalEvent(NamedTuple):
    """An entry, and the event behind it."""

    event: LoggedEvent
    line: JournalLine


class JournalPage(NamedTuple):
    """Entries, and where the next page begins; 0: nowhere."""

    entries: list[JournalEvent]
    next: int


class JournalQuery:
    """A checked question."""

    def __init__(self, request: pb.ListJournalRequest, owner: JournalOwner, max_results: int) -> None:
        if request.kind and request.kind not in KINDS:
            raise Invalid(f"no kind {request.kind}; there are {', '.join(KINDS)}", "kind")
        self._owner = owner
        self._kind = request.kind
        self._limit = min(request.limit or max_results, max_results)
        end = begin_of(request.until) if request.until else LAST
        self._span = Span(begin_of(request.since), min(end, request.before) if request.before else end)

    def page(self, reader: Reader) -> JournalPage:
        """The page."""
        names = [name for name in type_names(reader) if may_be_listed(name)]
        keys = {key_of(WHO, text) for text in (self._owner.account, self._owner.address, self._owner.user) if text}
        ids = ids_by_keys(reader, keys, self._span, newest_first=True)
        entries: list[JournalEvent] = []
        scanned = octets = 0
        while names and scanned < _SCANNED and (chunk := list(islice(ids, _CHUNK))):
            scanned += len(chunk)
            for event in reversed(by_ids(reader, chunk, names)):
                line = self._line(event)
                if line is None:
                    continue
                entries.append(JournalEvent(event, line))
                octets += len(event.data)
                if len(entries) == self._limit or octets > _PAGE_OCTETS:
                    return JournalPage(entries, event.id)
            if len(chunk) < _CHUNK:
                return JournalPage(entries, 0)
            if scanned >= _SCANNED:
                return JournalPage(entries, chunk[-1])
        return JournalPage(entries, 0)

    def _line(self, event: LoggedEvent) -> JournalLine | None:
        """The entry for an event, if it is about this account and of the kind that is asked for."""
        line = line_of(event.type, event.actor, event.data, self._owner)
        if line is None or (self._kind and line.kind != self._kind) or not self._is_about(event):
            return None
        return line

    def _is_about(self, event: LoggedEvent) -> bool:
        """Whether the event names the account, or its user where it is about a user; keys are only hashes."""
        owner = self._owner
        if event.type == "login.refused":
            return owner.address.casefold().encode() in event.data.lower()
        if event.type.startswith(("user.", "app_password.")):
            return bool(owner.user) and owner.user.encode() in event.data
        return owner.account.encode() in event.data or owner.account in event.stream
