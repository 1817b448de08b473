"""Writes the flags of runs of messages after a STORE: one text for a run, with a number for each message."""

from __future__ import annotations

from collections.abc import Iterable

from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.protocol.imap import fetch_response
from shared.protocol.imap.flags import RECENT
from shared.protocol.imap.number_set import NumberSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_A_TURN = 1000
"""Messages that are written in one turn of the event loop."""
_A_LINE = 8
"""The cost of making a line, in keys compared."""


async def write_runs(session: ImapSession, mailbox: Selected, runs: Iterable[pb.FlagRun], *, flags: bool) -> None:
    """Write the FETCH responses of messages in the view, with FLAGS or, after .SILENT, without (RFC 7162 §3.1.3).

    They contain the UID, and with CONDSTORE the MODSEQ (RFC 7162 §3.2.4).
    """
    for run in runs:
        if flags:
            session.channel.write(mailbox.report_keywords(run.flags))
        if session.condstore:
            mailbox.note_modseq(run.modseq)
        modseq = [fetch_response.modseq_item(run.modseq)] if session.condstore else []
        plain, recent = (
            b" ".join([fetch_response.flags_item(names), *modseq] if flags else modseq)
            for names in (run.flags, (*run.flags, RECENT))
        )
        for page in mailbox.runs.batches(NumberSet(((run.first, run.last),)), _A_TURN):
            lines = _lines(mailbox, page, plain, recent)
            session.channel.write(b"".join(lines))
            await session.channel.spill()
            await session.backend.turns.spend(keys=_A_LINE * len(lines))


def _lines(mailbox: Selected, uids: NumberSet, plain: bytes, recent: bytes) -> list[bytes]:
    """A response for each message; `recent` is the text of those that are \\Recent in this session."""
    line = b"* %d UIDFETCH (%b)\r\n" if mailbox.uid_only else b"* %d FETCH (UID %d %b)\r\n"
    lines: list[bytes] = []
    for number, first, last in mailbox.runs.numbered(uids):
        span = range(first, last + 1)
        recents = mailbox.recent_of(span)
        texts = (recent if uid in recents else plain for uid in span) if recents else (plain for _ in span)
        if mailbox.uid_only:  # RFC 9586: the UID is in front
            lines += map(line.__mod__, zip(span, texts, strict=True))
        else:
            numbers = range(number, number + len(span))
            lines += map(line.__mod__, zip(numbers, span, texts, strict=True))
    return lines
