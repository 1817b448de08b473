"""ESEARCH: one search in several mailboxes (RFC 7377)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.access.adapters.mailstore import numbers
from services.access.commands.answer import done
from services.access.commands.search import asks_relevancy, lacks_fuzzy, search_results
from services.access.commands.search_context import no_update
from services.access.commands.search_key import Translation
from services.access.commands.search_results import Results, ReturnOptions, items, modseq_item, saved
from services.access.commands.search_sources import SearchSource, search_sources, selected_source
from services.access.session.session import ImapSession
from shared.grpc.errors import Denied, NotFound
from shared.protocol.imap import response
from shared.protocol.imap.commands import SearchReturn
from shared.protocol.imap.esearch_response import esearch
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.number_set import MAX_NUMBER, NumberSet
from shared.protocol.imap.ranges import Range
from shared.protocol.imap.search_key import uses_modseq, uses_numbers
from shared.protocol.imap.sequence import SequenceSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def multi_search(session: ImapSession, command: MultiSearch) -> bytes:
    """Search mailboxes one after the other; one without a match has no response (RFC 7377 §2.1)."""
    if command.needs_selected and session.selected is None:
        return response.bad(command.tag, "No mailbox is selected")
    if uses_numbers(command.key) and not command.only_selected:
        return response.bad(command.tag, "Sequence numbers and $ are those of the selected mailbox")
    if lacks_fuzzy(command):
        return response.bad(command.tag, "RELEVANCY needs a FUZZY key")
    if uses_modseq(command.key):
        session.enable_condstore()
    if SearchReturn.UPDATE in command.returns:
        session.channel.write(
            response.no(response.UNTAGGED, "An ESEARCH is not updated", no_update(command.tag))  # RFC 5267 §4.3.1
        )
    result = NumberSet()  # also when nothing is searched, or the search fails (RFC 5182 §2.1)
    try:
        async for source in _sources(session, command):
            result = await _answer(session, command, source)
    finally:
        if SearchReturn.SAVE in command.returns:  # not before, because the search may refer to `$` itself
            session.saved = result
    return done(command.tag, "ESEARCH")


async def _sources(session: ImapSession, command: MultiSearch) -> AsyncIterator[SearchSource]:
    if not command.filters:
        yield await selected_source(session)
        return
    async for source in search_sources(session, command.filters):
        yield source


async def _answer(session: ImapSession, command: MultiSearch, source: SearchSource) -> NumberSet:
    """Search a mailbox and write its response; returns what SAVE keeps."""
    options = ReturnOptions(command.returns, command.partial, uses_modseq(command.key))
    selected = session.selected
    if selected is not None and selected.id == source.id:
        results = await search_results(session, command.key, with_relevancy=asks_relevancy(command))
    else:
        results = await _results_elsewhere(session, command, source)
    kept = await saved(options, results.uids) if SearchReturn.SAVE in command.returns else NumberSet()
    if not results.uids or command.returns == {SearchReturn.SAVE}:
        return kept
    made = items(options, results.uids, results.relevancy)
    if options.modseq:
        made.append(await modseq_item(session, options, results, source.account, source.id))
    place = source.name, source.uid_validity
    await session.channel.write_all(esearch(command.tag, True, made, place, utf8=session.utf8))
    return kept


async def _results_elsewhere(session: ImapSession, command: MultiSearch, source: SearchSource) -> Results:
    """The matches in a mailbox that is not selected; none when it is gone, or may no longer be read."""
    turns = session.backend.turns
    try:
        translation = Translation(_ResolveElsewhere(session, source), NumberSet(), turns)
        request = pb.SearchRequest(
            account=source.account,
            mailbox=source.id,
            key=await translation.contract_key(command.key),
            now=session.backend.clock.now(),
            with_relevancy=asks_relevancy(command),
        )
        reply = await session.backend.mailstore.search(request)
    except (NotFound, Denied):
        return Results(NumberSet())
    matches: list[Range] = []
    for page in reply.uids:
        matches += numbers(page).ranges
        await turns.spend(keys=len(page.bounds))
    return Results(NumberSet.of_sorted(matches), reply.highest_modseq, reply.relevancy)


class _ResolveElsewhere:
    """Resolves sets of UIDs in a mailbox that is not selected."""

    def __init__(self, session: ImapSession, source: SearchSource) -> None:
        self._session = session
        self._source = source
        self._largest: int | None = None

    async def __call__(self, sequence: SequenceSet, uid: bool) -> NumberSet:
        """The UIDs of a set. Raises ServiceError."""
        return sequence.resolve(await self._largest_uid() if sequence.has_star else MAX_NUMBER)

    async def _largest_uid(self) -> int:
        if self._largest is None:
            view = await self._session.backend.mailstore.view(self._source.account, self._source.owner_name)
            self._largest = view.uids[-1].bounds[-1] if view.uids and view.uids[-1].bounds else 0
        return self._largest
