"""SELECT, EXAMINE, CLOSE and UNSELECT, with resynchronisation by QRESYNC."""

from __future__ import annotations

from services.access.adapters.mailstore import spans
from services.access.commands.answer import done
from services.access.session.flag_runs import write_runs
from services.access.session.selected import Selected, runs_of
from services.access.session.session import ImapSession
from services.access.session.sync import flag_lines, write_vanished
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.response_code import Code, highestmodseq, mailboxid, uidnext, uidvalidity, unseen
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def select(session: ImapSession, command: c.Select) -> bytes:
    """Select a mailbox (RFC 3501 §6.3.1); after a failed SELECT no mailbox is selected."""
    if command.qresync is not None and not session.qresync:
        return response.bad(command.tag, "QRESYNC is not enabled")  # RFC 7162 §3.2.5
    _leave_mailbox(session)
    place = await session.place(command.mailbox)
    view = await session.backend.mailstore.view(place.account, place.name)
    if command.condstore:
        session.enable_condstore()
    runs = await runs_of(view, session.backend.turns)
    watch = await session.watch_of(place.account)
    watch.note(view.version)
    recents = None if session.rev2 else session.backend.recents
    selected = Selected(watch, view, runs, recents, read_only=command.read_only)
    selected.uid_only = session.uid_only
    selected.name = command.mailbox
    session.select(selected)
    session.channel.write(_rev2_data(selected, command.mailbox) if session.rev2 else _rev1_data(selected, view))
    if command.qresync is not None and command.qresync.uidvalidity == selected.uid_validity:
        await _resynchronise(session, selected, command.qresync)
    code = Code.READ_ONLY if selected.is_called_read_only else Code.READ_WRITE
    return response.ok(command.tag, "EXAMINE completed" if command.read_only else "SELECT completed", code)


async def close(session: ImapSession, command: c.Close) -> bytes:
    """Close the mailbox (RFC 3501 §6.4.2); messages marked \\Deleted are removed without EXPUNGE responses."""
    mailbox = session.mailbox
    if not mailbox.read_only and "e" in mailbox.rights:  # RFC 4314 §4: without `e`, CLOSE removes nothing
        with session.writing():
            reply = await session.backend.mailstore.expunge(
                pb.ExpungeRequest(account=mailbox.account, mailbox=mailbox.id)
            )
        mailbox.watch.note(reply.version)
    session.select(None)
    return done(command.tag, "CLOSE")


async def unselect(session: ImapSession, command: c.Unselect) -> bytes:
    """Close the mailbox without removing messages (RFC 3691)."""
    session.select(None)
    return done(command.tag, "UNSELECT")


def _leave_mailbox(session: ImapSession) -> None:
    if session.selected is not None:
        session.select(None)
        session.channel.write(
            response.ok(response.UNTAGGED, "Previous mailbox is closed", Code.CLOSED)
        )  # RFC 7162 §3.2.11


def _rev1_data(selected: Selected, view: pb.MailboxView) -> bytes:
    """The answer to a client of IMAP4rev1 (RFC 3501 §6.3.1)."""
    counts = response.exists(len(selected.runs)) + response.recent(selected.recent_count)
    number = 0 if selected.uid_only else selected.runs.sequence_of(view.first_unseen_uid)
    first_unseen = response.ok(response.UNTAGGED, "First unseen", unseen(number)) if number else b""
    return selected.flags() + counts + _identity(selected) + first_unseen


def _rev2_data(selected: Selected, name: str) -> bytes:
    """The answer to a client of IMAP4rev2: LIST is required, RECENT and UNSEEN are gone (RFC 9051 §6.3.2)."""
    counts = response.exists(len(selected.runs))
    return selected.flags() + counts + _identity(selected) + response.list_(name, utf8=True)


def _identity(selected: Selected) -> bytes:
    return b"".join(
        (
            response.ok(response.UNTAGGED, "UIDs valid", uidvalidity(selected.uid_validity)),
            response.ok(response.UNTAGGED, "Predicted next UID", uidnext(selected.uid_next)),
            response.ok(response.UNTAGGED, "Highest MODSEQ", highestmodseq(selected.modseq)),
            response.ok(response.UNTAGGED, "Mailbox id", mailboxid(selected.id)),
        )
    )


async def _resynchronise(session: ImapSession, selected: Selected, known: c.Qresync) -> None:
    """Send VANISHED (EARLIER) and the flags that changed since the state the client remembers (RFC 7162 §3.2.5.1)."""
    every = NumberSet(((1, max(selected.uid_next - 1, 1)),))
    uids = selected.below_uid_next(known.known_uids.resolve(selected.uid_next - 1) if known.known_uids else every)
    request = pb.FetchRequest(
        account=selected.account,
        mailbox=selected.id,
        uids=spans(selected.runs.hull(uids)),
        changed_since=known.modseq,
        vanished=True,
        flag_runs=True,
    )
    async for batch in session.backend.mailstore.fetch(request):
        await write_vanished(session, selected, batch, uids)
        await write_runs(session, selected, batch.runs, flags=True)
        changed = [
            pb.Changed(uid=uid, flags=batch.flag_sets[flags].flags, modseq=modseq)
            for uid, flags, modseq in zip(batch.uids, batch.flags, batch.modseqs, strict=True)
        ]
        lines = flag_lines(selected, changed, modseq=True)
        session.channel.write(b"".join(lines))
        await session.channel.spill()
        await session.backend.turns.spend(rows=2 * len(lines))
