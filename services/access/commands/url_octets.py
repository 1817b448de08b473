"""Reads the octets that a URL of CATENATE names (RFC 4469)."""

from __future__ import annotations

from services.access.adapters.mailstore import spans
from services.access.commands.contents import Contents, Piece
from services.access.commands.fetch_plan import reads_body
from services.access.session.session import ImapSession
from shared.blobs.blob_id import BlobId
from shared.grpc.errors import NotFound
from shared.protocol.imap.fetch import BodySection
from shared.protocol.imap.message_url import InvalidUrl, MessageUrl, parse_message_url
from shared.protocol.imap.number_set import NumberSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scans import scan_of


async def url_octets(session: ImapSession, url: bytes) -> Piece:
    """The octets, to be read from the blob store. Raises InvalidUrl, ServiceError, BlobError."""
    named = parse_message_url(url)
    try:
        place = await session.place(named.mailbox)
        mailbox = await session.permitted(named.mailbox, "r")
    except NotFound as missing:
        raise InvalidUrl("There is no such mailbox") from missing
    if mailbox is None or named.uid_validity not in (None, mailbox.uid_validity):
        raise InvalidUrl("There is no such mailbox")
    piece = await _piece(session, place.account, mailbox.id, named)
    if piece is None:
        raise InvalidUrl("There is no such message or section")
    if reads_body(_item(named)):
        session.backend.log_ins.read_bodies.note(place.account, mailbox.id, "imap", 1)
    return piece


def _item(named: MessageUrl) -> BodySection:
    return BodySection(named.section, b"", peek=True, partial=named.partial)


async def _piece(session: ImapSession, account: str, mailbox: str, named: MessageUrl) -> Piece | None:
    """The octets of a message; None when it or its section is not there."""
    uids = spans(NumberSet(((named.uid, named.uid),)))
    request = pb.FetchRequest(account=account, mailbox=mailbox, uids=uids, contents=True)
    async for batch in session.backend.mailstore.fetch(request):
        for blob_id, prefix in zip(batch.blobs, batch.prefixes, strict=True):
            blobs = session.backend.blobs
            blob = await blobs.read(BlobId(blob_id))
            return await Contents(prefix, blob, session.backend.turns, await scan_of(blobs, blob)).octets(_item(named))
    return None
