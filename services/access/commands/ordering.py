"""SORT and THREAD (RFC 5256), extended SORT (RFC 5267 §3), and CANCELUPDATE (RFC 5267 §4.3.5)."""

from __future__ import annotations

import re

from services.access.commands import search_context
from services.access.commands.answer import done
from services.access.commands.search import asks_relevancy, contract_key, forget_saved, write_esearch
from services.access.commands.search_results import Results, shown_numbers
from services.access.commands.sort_request import criteria_of, sorts_by_relevancy
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.grpc.errors import ServiceError
from shared.protocol.imap import ordering_commands as o
from shared.protocol.imap import ordering_response, response
from shared.protocol.imap.search_key import uses_fuzzy, uses_modseq
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from shared.rpc.mailfold.mailstore.v1 import ordering_pb2 as pb
from shared.turns import Turns

_NUMBER = re.compile(rb"[0-9]+")
_AN_OCTET = 4
"""The cost of an octet of a thread, in octets examined."""
_ALGORITHMS = {algorithm: pb.ThreadRequest.Algorithm.Value(algorithm.name) for algorithm in o.ThreadAlgorithm}


async def sort(session: ImapSession, command: o.Sort) -> bytes:
    """Sort the matching messages (RFC 5256 §3)."""
    if search_context.is_reused(session, command):
        return response.bad(command.tag, "Tag reuse")
    if not uses_fuzzy(command.key) and (asks_relevancy(command) or sorts_by_relevancy(command)):
        return response.bad(command.tag, "RELEVANCY needs a FUZZY key")  # RFC 6203 §4, §6
    if uses_modseq(command.key):
        session.enable_condstore()
    try:
        results = await sorted_results(session, command)
    except ServiceError:
        forget_saved(session, command)
        raise
    if command.returns is None:
        shown = await shown_numbers(session.mailbox, results.uids, session.backend.turns, uid=command.uid)
        modseq = results.highest_modseq if uses_modseq(command.key) else 0
        await session.channel.write_all(ordering_response.sort(shown, modseq))
    else:
        await write_esearch(session, command, command.returns, results)
    return done(command.tag, "SORT")


async def sorted_results(session: ImapSession, command: o.Sort) -> Results:
    """The matching UIDs of the view in order. Raises ServiceError."""
    mailbox, key = session.mailbox, command.key
    request = pb.SortRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        key=in_view(mailbox, await contract_key(session, key)),
        now=session.backend.clock.now(),
        criteria=criteria_of(command.criteria),
        with_relevancy=asks_relevancy(command),
    )
    reply = await session.backend.ordering.sort(request)
    mailbox.watch.note(reply.version)
    if uses_modseq(key):
        mailbox.note_modseq(reply.highest_modseq)
    return Results(reply.uids, reply.highest_modseq, reply.relevancy)


def in_view(mailbox: Selected, key: mailstore_pb2.SearchKey) -> mailstore_pb2.SearchKey:
    """The key for the messages that the client knows: newer ones have no sequence number yet."""
    limited = mailstore_pb2.SearchKey()
    limited.all_of.keys.add().uids.bounds.extend([1, max(mailbox.runs.largest, 1)])
    limited.all_of.keys.append(key)
    return limited


async def thread(session: ImapSession, command: o.Thread) -> bytes:
    """Thread the matching messages (RFC 5256 §3)."""
    if uses_modseq(command.key):
        session.enable_condstore()
    mailbox, turns = session.mailbox, session.backend.turns
    request = pb.ThreadRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        key=in_view(mailbox, await contract_key(session, command.key)),
        now=session.backend.clock.now(),
        algorithm=_ALGORITHMS[command.algorithm],
    )
    pieces, version = await session.backend.ordering.thread(request)
    mailbox.watch.note(version)
    shown = pieces if command.uid else [await _with_sequences(mailbox, piece, turns) for piece in pieces]
    await session.channel.write_all(ordering_response.thread(shown))
    return done(command.tag, "THREAD")


async def _with_sequences(mailbox: Selected, piece: bytes, turns: Turns) -> bytes:
    """A piece of threads with sequence numbers in the place of UIDs."""
    if mailbox.runs.are_sequences:
        return piece
    sequence_of = mailbox.runs.sequence_of
    await turns.spend(octets=_AN_OCTET * len(piece))
    return _NUMBER.sub(lambda number: b"%d" % sequence_of(int(number[0])), piece)


async def cancel_update(session: ImapSession, command: o.CancelUpdate) -> bytes:
    """End the updates of searches. A tag whose search is not updated (any more) changes nothing."""
    for tag in command.tags:
        session.mailbox.updated.pop(tag, None)
    return done(command.tag, "CANCELUPDATE")
