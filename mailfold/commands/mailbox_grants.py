"""Asks the mailstore about the rights to the mailboxes of an account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailfold.operator.session import Session


def call_mailstore(data: Path, address: str, method: str, request: Callable[[Any, str], Any]) -> Any:
    """The reply to a method, about the account with this address. `request` takes the contract's module and the id."""
    from mailfold.operator.session import converse

    async def ask(session: Session) -> Any:
        from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
        from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
        from shared.rpc.mailfold.mailstore.v1 import sharing_pb2
        from shared.rpc.mailfold.mailstore.v1.sharing_pb2_grpc import MailboxSharingStub

        directory = DirectoryStub(await session.running("directory"))
        account = await directory.ShowAccount(NameRequest(name=address))
        stub = MailboxSharingStub(await session.running("mailstore"))
        return await getattr(stub, method)(request(sharing_pb2, account.id))

    return converse(data, ask)
