"""PARTIAL as a modifier of FETCH (RFC 9394 §3.3): the messages at some places among those that would be answered."""

from __future__ import annotations

from services.access.adapters.mailstore import spans
from services.access.commands.search_results import window
from services.access.session.session import ImapSession
from shared.protocol.imap import commands as c
from shared.protocol.imap.commands import PartialRange
from shared.protocol.imap.number_set import NumberSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_RANGES_A_PAGE = 500


async def windowed(session: ImapSession, command: c.Fetch, uids: NumberSet, partial: PartialRange) -> NumberSet:
    """The UIDs at the places of the range, in the order of the mailbox.

    With CHANGEDSINCE the places are those among the changed messages, whatever the order of the modifiers (RFC 9394
    §3.4). Raises ServiceError.
    """
    if command.changed_since is not None:
        uids = await _changed(session, uids, command.changed_since)
    places: list[tuple[int, int]] = []
    for page in uids.pages(_RANGES_A_PAGE):
        places += session.mailbox.runs.sequences_of(page).ranges
        await session.backend.turns.spend(keys=2 * _RANGES_A_PAGE)
    chosen = window(NumberSet.of_sorted(places), partial)
    assert isinstance(chosen, NumberSet)
    return session.mailbox.runs.hull_of_sequences(chosen)


async def _changed(session: ImapSession, uids: NumberSet, since: int) -> NumberSet:
    mailbox = session.mailbox
    request = pb.FetchRequest(account=mailbox.account, mailbox=mailbox.id, uids=spans(uids), changed_since=since)
    changed: list[int] = []
    async for batch in session.backend.mailstore.fetch(request):
        changed += batch.uids
        await session.backend.turns.spend(rows=len(batch.uids))
    return NumberSet.of_numbers(changed)
