"""SEARCH, with the response of RFC 3501 and as ESEARCH (RFC 4731), and with saved results (RFC 5182)."""

from __future__ import annotations

import msgspec

from services.access.adapters.mailstore import numbers
from services.access.commands import search_context
from services.access.commands.answer import done
from services.access.commands.search_key import Translation
from services.access.commands.search_results import (
    Results,
    ReturnOptions,
    items,
    modseq_item,
    saved,
    scores_of,
    shown_numbers,
)
from services.access.session.session import ImapSession
from shared.grpc.errors import ServiceError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.commands import SearchReturn
from shared.protocol.imap.esearch_response import esearch
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ordering_commands import Sort
from shared.protocol.imap.ranges import Range
from shared.protocol.imap.search_key import SearchKey, uses_fuzzy, uses_modseq
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_AS_ESEARCH = frozenset({SearchReturn.ALL})


async def search(session: ImapSession, command: c.Search) -> bytes:
    """Search the mailbox (RFC 3501 §6.4.4)."""
    if search_context.is_reused(session, command):
        return response.bad(command.tag, "Tag reuse")
    if lacks_fuzzy(command):
        return response.bad(command.tag, "RELEVANCY needs a FUZZY key")
    if uses_modseq(command.key):
        session.enable_condstore()
    if command.returns is None and session.rev2:
        command = msgspec.structs.replace(command, returns=_AS_ESEARCH)  # RFC 9051 §6.4.4: the answer is ESEARCH
    try:
        results = await search_results(session, command.key, with_relevancy=asks_relevancy(command))
    except ServiceError:
        forget_saved(session, command)
        raise
    if command.returns is None:
        shown = await shown_numbers(session.mailbox, results.uids, session.backend.turns, uid=command.uid)
        assert isinstance(shown, NumberSet)
        await session.channel.write_all(
            response.search(shown, results.highest_modseq if uses_modseq(command.key) else 0)
        )
    else:
        await write_esearch(session, command, command.returns, results)
    return done(command.tag, "SEARCH")


async def search_results(session: ImapSession, key: SearchKey, *, with_relevancy: bool) -> Results:
    """The matching UIDs in the view, and the highest MODSEQ among them. Raises ServiceError."""
    mailbox, turns = session.mailbox, session.backend.turns
    request = pb.SearchRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        key=await contract_key(session, key),
        now=session.backend.clock.now(),
        with_relevancy=with_relevancy,
    )
    reply = await session.backend.mailstore.search(request)
    mailbox.watch.note(reply.version)
    if uses_modseq(key):
        mailbox.note_modseq(reply.highest_modseq)
    matches: list[Range] = []
    for page in reply.uids:
        matches += mailbox.runs.select_uids(numbers(page)).ranges
        await turns.spend(keys=len(page.bounds))
    uids = NumberSet.of_sorted(matches)
    return Results(uids, reply.highest_modseq, await scores_of(reply, uids) if with_relevancy else b"")


def asks_relevancy(command: c.Search | Sort | MultiSearch) -> bool:
    """Whether scores are to be returned (RFC 6203 §4)."""
    return SearchReturn.RELEVANCY in (command.returns or ())


def lacks_fuzzy(command: c.Search | Sort | MultiSearch) -> bool:
    """Whether the command asks for scores and has no FUZZY key, which gives them (RFC 6203 §4)."""
    return asks_relevancy(command) and not uses_fuzzy(command.key)


async def contract_key(session: ImapSession, key: SearchKey) -> pb.SearchKey:
    """The key of a search in the selected mailbox for the mailstore. Raises LimitReached."""
    mailbox, turns = session.mailbox, session.backend.turns
    translation = Translation(
        lambda sequence, uid: mailbox.matching(sequence, uid=uid, saved=session.saved, turns=turns),
        mailbox.recent,
        turns,
    )
    return await translation.contract_key(key)


def forget_saved(session: ImapSession, command: c.Search | Sort) -> None:
    """Empty `$` when a command fails that would have saved its result (RFC 5182 §2.1)."""
    if command.returns is not None and SearchReturn.SAVE in command.returns:
        session.saved = NumberSet()


async def write_esearch(
    session: ImapSession, command: c.Search | Sort, returns: frozenset[SearchReturn], results: Results
) -> None:
    """Answer an extended search or sort: save the result, begin its updates, and write ESEARCH."""
    returned = ReturnOptions(returns, command.partial, uses_modseq(command.key))
    shown = await shown_numbers(session.mailbox, results.uids, session.backend.turns, uid=command.uid)
    if SearchReturn.SAVE in returns:
        session.saved = await saved(returned, results.uids)
    if SearchReturn.UPDATE in returns:
        search_context.begin(session, command, results.uids)
    if returns == {SearchReturn.SAVE}:
        return
    made = items(returned, shown, results.relevancy)
    if shown and returned.modseq:
        mailbox = session.mailbox
        made.append(await modseq_item(session, returned, results, mailbox.account, mailbox.id))
    await session.channel.write_all(esearch(command.tag, command.uid, made))
