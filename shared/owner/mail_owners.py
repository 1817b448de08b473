"""Asks the directory, which alone knows roles, whether a user may do something with an account."""

from __future__ import annotations

from shared.grpc.call import current_provenance
from shared.grpc.channel import Channel
from shared.grpc.errors import Denied
from shared.grpc.policy import USER
from shared.rpc.mailfold.directory.v1.mailrights_pb2 import AccountsOfRequest
from shared.rpc.mailfold.directory.v1.mailrights_pb2_grpc import MailRightsStub


class Owners:
    """The owners of accounts, and the admins who may do the same."""

    def __init__(self, directory: Channel) -> None:
        self._stub = MailRightsStub(directory)

    async def check(self, account: str, method: str) -> bool:
        """Whether the running call is made in the name of a user, who then may make it; else an operator makes it.

        `method` is the called one, such as Expiry/ListExpiry. Raises Denied, which the directory records, and
        ServiceError when the directory does not answer.
        """
        if current_provenance().actor.kind != USER:
            return False
        rights = await self._stub.AccountsOf(AccountsOfRequest(method=method, account=account))
        if list(rights.accounts) != [account]:
            raise Denied("the call names no account", "rights")
        return True

    async def sees_everything(self, domain: str, method: str) -> bool:
        """Whether the running call may see all of an event of this domain, as an operator and an admin of the server.

        Else an admin of the domain asks. Raises Denied, which the directory records, and ServiceError.
        """
        if current_provenance().actor.kind != USER:
            return True
        return (await self._stub.AccountsOf(AccountsOfRequest(method=method, domain=domain))).everything
