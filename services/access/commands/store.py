"""STORE, also conditional (RFC 7162 §3.1.3)."""

from __future__ import annotations

from collections.abc import Sequence

from services.access.adapters.mailstore import numbers, spans
from services.access.commands.answer import READ_ONLY_TEXT, answer_for, done
from services.access.session.flag_runs import write_runs
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from services.access.session.sync import sync
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.commands import StoreMode
from shared.protocol.imap.response_code import Code, modified
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_NOTED_AT_ONCE = 1000
_MODES = {
    StoreMode.ADD: pb.StoreRequest.ADD,
    StoreMode.REMOVE: pb.StoreRequest.REMOVE,
    StoreMode.REPLACE: pb.StoreRequest.REPLACE,
}


async def store(session: ImapSession, command: c.Store) -> bytes:
    """Change flags (RFC 3501 §6.4.6)."""
    mailbox = session.mailbox
    if mailbox.read_only:
        return response.no(command.tag, READ_ONLY_TEXT, Code.READ_ONLY)
    if command.unchanged_since is not None:
        session.enable_condstore()
    uids = await session.resolve(command.sequence, uid=command.uid)
    if not uids:
        return done(command.tag, "STORE")
    # Report the changes of others first, because the view counts as current after this STORE.
    before = mailbox.version
    await sync(session, expunge=False)
    # The client cannot know whether a change of others that it learns now came before its own or after it, so the flags
    # are reported even with .SILENT (RFC 9051 §6.4.6: determinate without a race condition).
    silent = command.silent and mailbox.version == before
    request = pb.StoreRequest(
        account=mailbox.account,
        mailbox=mailbox.id,
        uids=spans(uids),
        mode=_MODES[command.mode],
        flags=command.flags,
        unchanged_since=command.unchanged_since,
        quiet=silent and not session.condstore,
    )
    with session.writing():
        reply = await session.backend.mailstore.store(request)
    await _report(session, mailbox, command, reply, silent=silent)
    mailbox.watch.note(reply.version)
    return _answer(mailbox, command, reply, await mailbox.count(uids, session.backend.turns))


async def _report(
    session: ImapSession, mailbox: Selected, command: c.Store, reply: pb.StoreReply, *, silent: bool
) -> None:
    """Report the new flags; when `silent` only what the client cannot know."""
    made = list(reply.versions)
    alone = made == list(range(mailbox.version + 1, mailbox.version + 1 + len(made))) and reply.version in made
    if reply.messages and command.mode is not StoreMode.REMOVE:
        session.channel.write(mailbox.report_keywords(command.flags))
    if not silent:
        await write_runs(session, mailbox, reply.runs, flags=True)
    elif session.condstore:
        await write_runs(session, mailbox, reply.runs, flags=False)
    mailbox.advance(*made)
    # When silent the client would miss a change that another session made in between, so the flags are reported after
    # all.
    if not (alone or silent):
        await _note_reported(session, mailbox, reply.runs)


async def _note_reported(session: ImapSession, mailbox: Selected, runs: Sequence[pb.FlagRun]) -> None:
    for run in runs:
        for start in range(run.first, run.last + 1, _NOTED_AT_ONCE):
            page = range(start, min(start + _NOTED_AT_ONCE, run.last + 1))
            for uid in page:
                mailbox.note_reported(uid, run.modseq)
            await session.backend.turns.spend(keys=len(page))


def _answer(mailbox: Selected, command: c.Store, reply: pb.StoreReply, asked: int) -> bytes:
    refused = numbers(reply.refused)
    if not refused:
        return answer_for(command, "STORE", asked, reply.messages)
    shown = refused if command.uid else mailbox.runs.sequences_of(refused)
    return response.ok(command.tag, "Conditional STORE: some messages were changed before", modified(shown))
