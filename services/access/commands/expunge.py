"""EXPUNGE and UID EXPUNGE."""

from __future__ import annotations

from services.access.adapters.mailstore import spans
from services.access.commands.answer import READ_ONLY_TEXT, done
from services.access.session.session import ImapSession
from services.access.session.sync import report_removal
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.response_code import Code, highestmodseq
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


async def expunge(session: ImapSession, command: c.Expunge) -> bytes:
    """Expunge deleted messages (RFC 3501 §6.4.3); with UIDs only those (RFC 4315 §2.1)."""
    mailbox = session.mailbox
    if mailbox.read_only:
        return response.no(command.tag, READ_ONLY_TEXT, Code.READ_ONLY)
    request = pb.ExpungeRequest(account=mailbox.account, mailbox=mailbox.id)
    if command.uids is not None:
        request.only_given = True
        request.uids.CopyFrom(spans(await session.resolve(command.uids, uid=True)))
    with session.writing():
        reply = await session.backend.mailstore.expunge(request)
    mailbox.watch.note(reply.version)
    if reply.messages and session.qresync and await report_removal(session):
        return response.ok(command.tag, "EXPUNGE completed", highestmodseq(reply.version))  # RFC 7162 §3.2.7
    return done(command.tag, "EXPUNGE")
