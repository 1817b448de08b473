"""The mailboxes of an account as its scripts ask for them; each is asked for once in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.delivery.domain.script_steps import MailboxKey
from shared.protocol.imap.mailbox_name import SEPARATOR, InvalidMailboxName, canonical_name, new_mailbox_name
from shared.protocol.imap.modified_utf7 import decode_modified_utf7
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

if TYPE_CHECKING:
    from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreAsyncStub


class AccountMailboxes:
    """Asks the mailstore. Raises ServiceError when it does not answer now."""

    def __init__(self, mailstore: MailstoreAsyncStub, account: str) -> None:
        self._mailstore = mailstore
        self._account = account
        self._names: dict[str, str | None] = {}
        self._ids: dict[str, str | None] = {}
        self._uses: dict[str, str] | None = None
        self._is_open = False

    async def named(self, name: str) -> str | None:
        """The name of the mailbox that a script means; None when there is none.

        Clients write names in modified UTF-7, too; that is understood when there is such a mailbox.
        """
        if name not in self._names:
            decoded = _decoded(name)
            self._names[name] = await self._asked(canonical_name(name)) or (decoded and await self._asked(decoded))
        return self._names[name]

    async def with_id(self, mailbox_id: str) -> str | None:
        """The name of the mailbox with this id."""
        if mailbox_id not in self._ids:
            self._ids[mailbox_id] = await self._first(pb.ListMailboxesRequest(account=self._account, id=mailbox_id))
        return self._ids[mailbox_id]

    async def with_use(self, special_use: str) -> str | None:
        """The name of the mailbox with this special use; uses are compared without case (RFC 8579 §3)."""
        if self._uses is None:
            await self._open()
            reply = await self._mailstore.ListMailboxes(pb.ListMailboxesRequest(account=self._account))
            self._uses = {box.special_use.lower(): box.name for box in reply.mailboxes if box.special_use}
        return self._uses.get(special_use.lower())

    async def place_of(self, key: MailboxKey, *, create: bool) -> str | None:
        """The name of the mailbox that a `fileinto` means, or of the one that it makes; None: there is none."""
        if key.mailbox_id and (name := await self.with_id(key.mailbox_id)) is not None:
            return name
        if key.special_use and (name := await self.with_use(key.special_use)) is not None:
            return name
        name = await self.named(key.name)
        return name if name is not None or not create else _new_name(key.name)

    async def _asked(self, name: str) -> str | None:
        await self._open()
        return await self._first(pb.ListMailboxesRequest(account=self._account, name=name)) if name else None

    async def _first(self, request: pb.ListMailboxesRequest) -> str | None:
        reply = await self._mailstore.ListMailboxes(request)
        return reply.mailboxes[0].name if reply.mailboxes else None

    async def _open(self) -> None:
        """An account has mailboxes from its first mail or log-in on, and this may be its first mail."""
        if not self._is_open:
            await self._mailstore.OpenAccount(pb.OpenAccountRequest(account=self._account))
            self._is_open = True


def _decoded(name: str) -> str | None:
    """The name whose levels are written in modified UTF-7; None when none is. A plain `&` is what it is."""
    if "&" not in name:
        return None
    decoded = canonical_name(SEPARATOR.join(map(_decoded_level, name.split(SEPARATOR))))
    return decoded if decoded != name else None


def _decoded_level(level: str) -> str:
    try:
        return decode_modified_utf7(level.encode("ascii")) if "&" in level else level
    except ValueError:
        return level


def _new_name(name: str) -> str | None:
    """The name of a new mailbox; never one in modified UTF-7."""
    try:
        return new_mailbox_name(_decoded(name) or name)
    except InvalidMailboxName:
        return None
