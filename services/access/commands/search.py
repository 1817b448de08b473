"""SEARCH, with the response of RFC 3501 and as ESEARCH (RFC 4731), and with saved results (RFC 5182)."""

from __future__ import annotations

import msgspec

from services.access.adapters.mailstore import numbers, spans
from services.access.commands.answer import done
from services.access.commands.search_key import Translation
from services.access.session.session import ImapSession
from shared.grpc.errors import ServiceError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.commands import SearchReturn
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ranges import Range
from shared.protocol.imap.search_key import uses_modseq
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_RANGES_A_PAGE = 500
_AS_ESEARCH = frozenset({SearchReturn.ALL})
_ENDS = frozenset({SearchReturn.MIN, SearchReturn.MAX})


async def search(session: ImapSession, command: c.Search) -> bytes:
    """Search the mailbox (RFC 3501 §6.4.4)."""
    if uses_modseq(command.key):
        session.enable_condstore()
    if command.returns is None and session.rev2:
        command = msgspec.structs.replace(command, returns=_AS_ESEARCH)  # RFC 9051 §6.4.4: the answer is ESEARCH
    saves = command.returns is not None and SearchReturn.SAVE in command.returns
    try:
        matches, highest = await _search(session, command)
    except ServiceError:
        if saves:
            session.saved = NumberSet()  # RFC 5182 §2.1: a SEARCH that fails leaves `$` empty
        raise
    if command.returns is None:
        shown = await _shown(session, command, matches)
        await session.channel.write_all(response.search(shown, highest if uses_modseq(command.key) else 0))
    else:
        await _write_esearch(session, command, command.returns, matches, highest)
    return done(command.tag, "SEARCH")


async def _search(session: ImapSession, command: c.Search) -> tuple[NumberSet, int]:
    """The matching UIDs in the view, and the highest MODSEQ among them."""
    mailbox = session.mailbox
    turns = session.backend.turns
    translation = Translation(
        lambda sequence, uid: mailbox.matching(sequence, uid=uid, saved=session.saved, turns=turns),
        mailbox.recent,
        turns,
    )
    key = await translation.contract_key(command.key)
    request = pb.SearchRequest(account=mailbox.account, mailbox=mailbox.id, key=key, now=session.backend.clock.now())
    reply = await session.backend.mailstore.search(request)
    mailbox.watch.note(reply.version)
    if uses_modseq(command.key):
        mailbox.note_modseq(reply.highest_modseq)
    matches: list[Range] = []
    for page in reply.uids:
        matches += mailbox.runs.select_uids(numbers(page)).ranges
        await turns.spend(keys=len(page.bounds))
    return NumberSet.of_sorted(matches), reply.highest_modseq


async def _shown(session: ImapSession, command: c.Search, matches: NumberSet) -> NumberSet:
    """The matches as UIDs or sequence numbers, as the client asked."""
    if command.uid:
        return matches
    shown: list[Range] = []
    for page in matches.pages(_RANGES_A_PAGE):
        shown += session.mailbox.runs.sequences_of(page).ranges
        await session.backend.turns.spend(keys=2 * _RANGES_A_PAGE)
    return NumberSet.of_sorted(shown)


async def _write_esearch(
    session: ImapSession, command: c.Search, returns: frozenset[SearchReturn], matches: NumberSet, highest: int
) -> None:
    shown = await _shown(session, command, matches)
    if SearchReturn.SAVE in returns:
        session.saved = _saved(returns, matches)
    if returns == {SearchReturn.SAVE}:
        return
    data: list[tuple[str, int | NumberSet]] = []
    if shown:
        data += [("MIN", shown.smallest)] if SearchReturn.MIN in returns else []
        data += [("MAX", shown.largest)] if SearchReturn.MAX in returns else []
        data += [("ALL", shown)] if SearchReturn.ALL in returns else []
    if SearchReturn.COUNT in returns:
        data.append(("COUNT", len(shown)))
    if shown and uses_modseq(command.key):
        data.append(("MODSEQ", await _modseq(session, returns, matches, highest)))
    await session.channel.write_all(response.esearch(command.tag, command.uid, data))


def _ends(returns: frozenset[SearchReturn], matches: NumberSet) -> NumberSet:
    ends = [matches.smallest] if SearchReturn.MIN in returns else []
    return (
        NumberSet.of_numbers({*ends, matches.largest} if SearchReturn.MAX in returns else ends) if matches else matches
    )


def _saved(returns: frozenset[SearchReturn], matches: NumberSet) -> NumberSet:
    """The matches to be saved. With only MIN or MAX, only those are saved (RFC 5182 §2.1)."""
    others = returns - {SearchReturn.SAVE}
    return _ends(returns, matches) if others and others <= _ENDS else matches


async def _modseq(session: ImapSession, returns: frozenset[SearchReturn], matches: NumberSet, highest: int) -> int:
    """The MODSEQ to report. With only MIN or MAX, it is the highest of those messages (RFC 7162 §3.1.10)."""
    if returns - {SearchReturn.SAVE} - _ENDS:
        return highest
    mailbox = session.mailbox
    request = pb.FetchRequest(account=mailbox.account, mailbox=mailbox.id, uids=spans(_ends(returns, matches)))
    modseqs = [modseq async for batch in session.backend.mailstore.fetch(request) for modseq in batch.modseqs]
    return max(modseqs, default=highest)
