"""Reads the mail of an archive through the contract of the mailstore; nothing is changed, not even \\Seen."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mailfold.operator.session import Session
    from shared.blobs.local import LocalBlobs

_ALL = (1, (1 << 32) - 1)
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')
_MAILBOX_LIMIT = 4 * 1024 * 1024
"""Octets of a header that is read for a list."""


class StoredMail(msgspec.Struct, frozen=True):
    """A message of an archive, by reference."""

    mailbox: str
    uid: int
    flags: tuple[str, ...]
    date: datetime
    """INTERNALDATE."""
    prefix: bytes
    blob: str


class ArchivedMail:
    """The mail of one account id."""

    def __init__(self, session: Session, account: str, blobs: LocalBlobs) -> None:
        self._session = session
        self._account = account
        self._blobs = blobs

    async def mailboxes(self) -> list[Any]:
        """The mailboxes with their counters, by name, without All Mail, which shows the messages of the others."""
        from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

        listed = await (await self._stub()).ListMailboxes(pb.ListMailboxesRequest(account=self._account))
        own = (mailbox for mailbox in listed.mailboxes if mailbox.special_use != "\\All")
        return sorted(own, key=lambda mailbox: str(mailbox.name))

    async def messages(self, mailbox: Any, bounds: Sequence[int] = _ALL) -> AsyncIterator[StoredMail]:
        """The messages of a mailbox in these UID ranges (first, last, …), in the order of UIDs."""
        from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

        uids = pb.UidSet(bounds=bounds)
        request = pb.FetchRequest(
            account=self._account, mailbox=mailbox.id, uids=uids, internal_date=True, contents=True
        )
        async for batch in (await self._stub()).Fetch(request):
            rows = zip(batch.uids, batch.flags, batch.attributes, batch.prefixes, batch.blobs, strict=True)
            for uid, flags, attributes, prefix, blob in rows:
                yield StoredMail(
                    mailbox.name, uid, tuple(batch.flag_sets[flags].flags), _date(attributes), prefix, blob
                )

    async def matches(self, mailbox: Any, text: str, field: str) -> list[int]:
        """The UID ranges of messages with a text, anywhere or in a field of the header."""
        from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

        key = pb.SearchKey(header=pb.HeaderTest(field=field, text=text)) if field else pb.SearchKey(text=text)
        request = pb.SearchRequest(account=self._account, mailbox=mailbox.id, key=key)
        reply = await (await self._stub()).Search(request)
        return [bound for page in reply.uids for bound in page.bounds]

    async def header(self, mail: StoredMail) -> bytes:
        """The header of a message, as it is read by clients."""
        from shared.blobs.blob_id import BlobId
        from shared.scans import scan_of

        blob = await self._blobs.read(BlobId(mail.blob))
        end = (await scan_of(self._blobs, blob)).header_end
        return mail.prefix + blob.read(0, min(end, _MAILBOX_LIMIT))

    async def octets(self, mail: StoredMail) -> bytes:
        """The whole message, as it is read by clients. Raises BlobError."""
        from shared.blobs.blob_id import BlobId

        return mail.prefix + (await self._blobs.read(BlobId(mail.blob))).body()

    async def _stub(self) -> Any:
        from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub

        return MailstoreStub(await self._session.owner("mailstore", reads_only=True))


def total(mailboxes: Iterable[Any]) -> int:
    """The number of messages in these mailboxes."""
    return sum(mailbox.messages for mailbox in mailboxes)


def _date(attributes: bytes) -> datetime:
    match = _DATE.search(attributes)
    if match is None:
        return datetime.fromtimestamp(0, UTC)
    return datetime.strptime(match[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
