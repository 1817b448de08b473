"""Tells a client what changed in its mailbox. Nothing is asked while the version heard of is the one already told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.access.session.selected import Selected
from services.access.session.session import Session
from shared.protocol.imap import fetch_response
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def sync(session: Session, *, expunge: bool) -> None:
    """Bring the view forward and write what the client must know; EXPUNGE only when allowed now. Raises ServiceError
    (NotFound: the mailbox is gone).
    """
    selected = session.selected
    if selected is None:
        return
    # What a response named was read from the store: changes up to there exist, whether the doorbell rang or not.
    session.watch.note(selected.named_modseq)
    found: list[pb.Changed] = []
    keywords: Sequence[str] = ()
    if selected.version < session.watch.version or not session.backend.versions.trusted:
        changes = await _ask(session, selected)
        found, keywords = selected.take(changes), changes.keywords
        session.watch.note(changes.version)
    _tell(session, selected, found, keywords, expunge=expunge)


async def _ask(session: Session, selected: Selected) -> pb.ChangesReply:
    request = pb.ChangesRequest(
        account=session.account, mailbox=selected.id, since=selected.version, uid_next=selected.uid_next
    )
    return await session.backend.mailstore.changes(request)


def _tell(
    session: Session, selected: Selected, found: Iterable[pb.Changed], keywords: Sequence[str], *, expunge: bool
) -> None:
    lines = [selected.tell_keywords(keywords)]
    if expunge:
        lines.append(selected.tell_expunges(vanished=session.qresync))
    lines += [selected.tell_exists(), selected.report_recent()]
    lines += flag_lines(selected, found, modseq=session.condstore)
    told = b"".join(lines)
    if told:
        session.channel.write(told)


def flag_lines(selected: Selected, found: Iterable[pb.Changed], *, modseq: bool) -> list[bytes]:
    """FETCH with the flags of messages that are in the view (RFC 7162 3.2.4: with UID and, once CONDSTORE is on,
    MODSEQ), after FLAGS when there are new keywords among them.
    """
    numbered = [(number, one) for one in found if (number := selected.runs.sequence_of(one.uid))]
    keywords = selected.tell_keywords(flag for _, one in numbered for flag in one.flags)
    return [keywords, *(_flag_line(selected, number, one, modseq=modseq) for number, one in numbered)]


def _flag_line(selected: Selected, number: int, one: pb.Changed, *, modseq: bool) -> bytes:
    flags = selected.shown_flags(one.uid, one.flags)
    items = [fetch_response.uid_item(one.uid), fetch_response.flags_item(flags)]
    if modseq:
        items.append(fetch_response.modseq_item(one.modseq))
        selected.name_modseq(one.modseq)
    return fetch_response.fetch(number, items)
