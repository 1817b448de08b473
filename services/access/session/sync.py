"""Notifies a client of the changes in its mailbox.

The mailstore is asked only when a version is known that is newer than the last one reported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence, Set

import structlog

from services.access.adapters.mailstore import numbers
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.grpc.errors import ServiceError
from shared.protocol.imap import fetch_response, response
from shared.protocol.imap.notify_command import MESSAGE_EVENTS, NotifyEvent
from shared.protocol.imap.number_set import NumberSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

log = structlog.get_logger("access")
_EVERYTHING = MESSAGE_EVENTS


async def sync(session: ImapSession, *, expunge: bool, exists_first: bool = False, unasked: bool = False) -> None:
    """Update the view and write the changes; EXPUNGE only when it is allowed now.

    `exists_first`: new messages are reported before those that are gone (RFC 8508 §4.3, RFC 9051 §6.4.8). `unasked`:
    the client has not caused the changes itself, so NOTIFY may have asked for less of them (RFC 5465 §3.1).

    Raises ServiceError, which is NotFound when the mailbox is gone.
    """
    notifications = session.notifications
    if notifications is None:
        await _report_annotations(session)
        if session.selected is not None:
            await _sync_selected(session, session.selected, _EVERYTHING, expunge=expunge, exists_first=exists_first)
        return
    events = notifications.selected_events if unasked else _EVERYTHING
    if session.selected is not None and events:
        first = session.selected.uid_next
        await _sync_selected(session, session.selected, events, expunge=expunge, exists_first=exists_first)
        group = notifications.groups.selected
        if group is not None and group.items and session.selected.uid_next > first:
            await notifications.fetch_new(session, group.items, first)
    await notifications.report(session)


async def report_removal(session: ImapSession, *, exists_first: bool = False) -> bool:
    """Report what the present command has removed.

    False when that cannot be read now: the command has succeeded all the same, and a later response reports it.
    """
    try:
        await sync(session, expunge=True, exists_first=exists_first)
    except ServiceError as error:
        log.debug("access.sync_later", session=session.id, error=str(error))
        return False
    return True


async def _sync_selected(
    session: ImapSession, selected: Selected, events: Set[NotifyEvent], *, expunge: bool, exists_first: bool
) -> None:
    # A MODSEQ in a response came from the store, so changes exist up to there, even if no doorbell arrived.
    selected.watch.note(selected.highest_sent_modseq)
    changed: Iterable[Sequence[pb.Changed]] = ()
    keywords: Sequence[str] = ()
    # Whoever has another account's mailbox selected may have lost the right to it, of which no version tells.
    is_foreign = selected.account != session.account
    if is_foreign or selected.version < selected.watch.version or not session.backend.versions.trusted:
        changes = await _ask(session, selected)
        changed, keywords = await selected.take(changes, session.backend.turns), changes.keywords
        selected.watch.note(changes.version)
        session.channel.write(selected.report_rights(changes.rights))
    if exists_first:
        session.channel.write(selected.report_exists())
    reported = changed if NotifyEvent.FLAG_CHANGE in events else ()
    await _report(session, selected, reported, keywords, expunge=expunge)


async def _report_annotations(session: ImapSession) -> None:
    """Name the annotations that were changed, by any session, to a client that has enabled METADATA (RFC 5464 §4.4.2).

    What cannot be read now is reported later.
    """
    known = session.metadata_version
    if known is None or (known >= session.watch.version and session.backend.versions.trusted):
        return
    with contextlib.suppress(ServiceError):
        changes = await session.backend.annotations.changes(session.account, known)
        for changed in changes.changes:
            if changed.mailbox or not changed.id:  # else they are private entries of a mailbox of another account
                session.channel.write(response.metadata_changed(changed.mailbox, changed.entries, utf8=session.utf8))
        session.metadata_version = max(changes.version, known)
        session.watch.note(changes.version)


async def _ask(session: ImapSession, selected: Selected) -> pb.ChangesReply:
    request = pb.ChangesRequest(
        account=selected.account,
        mailbox=selected.id,
        since=selected.version,
        uid_next=selected.uid_next,
        keywords=selected.keywords,
    )
    return await session.backend.mailstore.changes(request)


async def _report(
    session: ImapSession,
    selected: Selected,
    changed: Iterable[Sequence[pb.Changed]],
    keywords: Sequence[str],
    *,
    expunge: bool,
) -> None:
    session.channel.write(selected.report_keywords(keywords))
    if expunge:
        await selected.order_gone()
        for search in selected.updated.values():
            await session.channel.write_all(await search.expunged(selected.gone))
        await session.channel.write_all(selected.report_expunges(vanished=session.qresync or session.uid_only))
        await selected.forget_expunged(session.backend.turns)
    session.channel.write(selected.report_exists() + selected.report_recent())
    await write_flags(session, selected, changed)
    for search in tuple(selected.updated.values()):
        await session.channel.write_all(await search.changes())


async def write_flags(session: ImapSession, selected: Selected, pages: Iterable[Sequence[pb.Changed]]) -> None:
    """Write the flags of messages in the view, page by page; other sessions are served between pages."""
    for page in pages:
        lines = flag_lines(selected, page, modseq=session.condstore)
        session.channel.write(b"".join(lines))
        await session.channel.spill()
        await session.backend.turns.spend(rows=2 * len(lines))


async def write_vanished(session: ImapSession, selected: Selected, batch: pb.FetchBatch, asked: NumberSet) -> None:
    """Write VANISHED (EARLIER) for the requested UIDs (RFC 7162 §3.2.10).

    UIDs that the client still counts are reported as expunged instead.
    """
    if batch.vanished.bounds:
        gone = numbers(batch.vanished).intersection(asked)
        gone = gone.difference(selected.runs.select_uids(gone))
        await session.channel.write_all(response.vanished(gone, earlier=True))


def flag_lines(selected: Selected, changed: Iterable[pb.Changed], *, modseq: bool) -> list[bytes]:
    """The FETCH responses with the flags of messages in the view, after FLAGS when there are new keywords.

    They contain the UID, and with CONDSTORE the MODSEQ (RFC 7162 §3.2.4).
    """
    numbered = [(number, change) for change in changed if (number := selected.runs.sequence_of(change.uid))]
    keywords = selected.report_keywords(flag for _, change in numbered for flag in change.flags)
    return [keywords, *(_flag_line(selected, number, change, modseq=modseq) for number, change in numbered)]


def _flag_line(selected: Selected, number: int, change: pb.Changed, *, modseq: bool) -> bytes:
    flags = selected.shown_flags(change.uid, change.flags)
    items = [fetch_response.flags_item(flags)]
    if modseq:
        items.append(fetch_response.modseq_item(change.modseq))
        selected.note_modseq(change.modseq)
    return selected.fetch_line(number, change.uid, items)
