"""Writes the flags of runs of messages after a STORE: one text for a run, with a number for each message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


async def write_flags(session: ImapSession, mailbox: Selected, runs: Sequence[pb.FlagRun], *, uid: bool) -> int:
    """Write the FLAGS of messages in the view, and their UIDs when these are asked for; returns their number."""
    answered = 0
    session.channel.write(mailbox.report_keywords(flag for run in runs for flag in run.flags))
    for run in runs:
        if run.modseq > mailbox.version:
            for number in range(run.first, run.last + 1):
                mailbox.note_reported(number, run.modseq)
        plain, recent = (fetch_response.flags_item(names) for names in (run.flags, (*run.flags, RECENT)))
        lines = _lines(mailbox, NumberSet(((run.first, run.last),)), plain, recent, uid=uid)
        answered += len(lines)
        session.channel.write(b"".join(lines))
        await session.channel.spill()
        await session.backend.turns.spend(keys=_A_LINE // 2 * len(lines))
    return answered


def _lines(mailbox: Selected, uids: NumberSet, plain: bytes, recent: bytes, *, uid: bool = True) -> list[bytes]:
    """A response for each message; `recent` is the text of those that are \\Recent in this session."""
    line = _line(mailbox, uid=uid)
    alike = line % plain.replace(b"%", b"%%"), line % recent.replace(b"%", b"%%")
    with_uid = uid and not mailbox.uid_only
    lines: list[bytes] = []
    for number, first, last in mailbox.runs.numbered(uids):
        span = range(first, last + 1)
        # RFC 9586: with UIDONLY the UID is in front.
        numbers = span if mailbox.uid_only else range(number, number + len(span))
        places: Iterable[int | tuple[int, int]] = zip(numbers, span, strict=True) if with_uid else numbers
        recents = mailbox.recent_of(span)
        if recents:
            lines += [alike[at in recents] % place for at, place in zip(span, places, strict=True)]
        else:
            lines += map(alike[0].__mod__, places)
    return lines


def _line(mailbox: Selected, *, uid: bool) -> bytes:
    """A response, into which the items are put first and then the numbers of a message."""
    if mailbox.uid_only:
        return b"* %%d UIDFETCH (%b)\r\n"
    return b"* %%d FETCH (UID %%d %b)\r\n" if uid else b"* %%d FETCH (%b)\r\n"
