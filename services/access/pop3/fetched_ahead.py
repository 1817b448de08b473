"""The bodies that a session will read next: a client that reads message after message asks the mailstore seldom."""

from __future__ import annotations

from typing import NamedTuple

from services.access.adapters.mailstore import MailstoreClient, spans
from services.access.session.versions import Watch
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ranges import ranges
from shared.protocol.pop3.maildrop import Maildrop
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_MOST = 128
"""Messages of which places are known in advance."""


class StoredBody(NamedTuple):
    """Where a message is stored."""

    blob: str
    prefix: bytes


class FetchedAhead:
    """Knows where some messages are stored, while the account does not change."""

    def __init__(self, mailstore: MailstoreClient, account: str, mailbox: str, watch: Watch) -> None:
        self._mailstore = mailstore
        self._account = account
        self._mailbox = mailbox
        self._watch = watch
        self._known: dict[int, StoredBody] = {}
        self._version = -1
        self._number, self._count = 0, 1

    async def body(self, messages: Maildrop, number: int) -> StoredBody | None:
        """Where the message with a number is stored; None when it has left INBOX. Raises ServiceError."""
        uid = messages.message(number).uid
        if self._version != self._watch.version or uid not in self._known:
            await self._fetch(messages, number)
        self._number = number
        return self._known.get(uid)

    async def _fetch(self, messages: Maildrop, number: int) -> None:
        """Ask for a message, and for more of those behind it the longer the client goes on in order."""
        self._count = min(2 * self._count, _MOST) if number == self._number + 1 else 1
        uids = messages.present_uids(number, number + self._count - 1)
        asked = NumberSet.of_sorted(ranges(uids))
        request = pb.FetchRequest(account=self._account, mailbox=self._mailbox, uids=spans(asked), contents=True)
        self._version = self._watch.version
        self._known = {
            uid: StoredBody(blob, prefix)
            async for batch in self._mailstore.fetch(request)
            for uid, blob, prefix in zip(batch.uids, batch.blobs, batch.prefixes, strict=True)
        }
