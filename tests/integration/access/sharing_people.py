"""Users and groups of a server on which mailboxes are shared."""

from __future__ import annotations

from typing import Any

from shared.rpc.mailfold.directory.v1 import directory_pb2, groups_pb2, sharing_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.sharing_pb2_grpc import SharingStub
from tests.harness.waiting import until
from tests.integration.access.imap_server import PASSWORD, ImapServer


class SharingPeople:
    """Makes them, and waits until the mailstore knows them."""

    def __init__(self, server: ImapServer, domain: str = "example.org") -> None:
        self.server = server
        self._domain = domain
        self.accounts: dict[str, str] = {}
        """Ids by address."""

    def make_domain(self, *, anyone: bool = False) -> None:
        """Make the domain, whose users see each other."""
        self.ask(DirectoryStub, "AddDomain", directory_pb2.AddDomainRequest(name=self._domain, incoming=True))
        self.ask(SharingStub, "SetSharing", sharing_pb2.SetSharingRequest(domain=self._domain, anyone=anyone))

    def user(self, name: str) -> str:
        """Make a user with an account; returns its address."""
        address = f"{name}@{self._domain}"
        self.ask(DirectoryStub, "AddUser", directory_pb2.AddUserRequest(name=name, password=PASSWORD))
        account = directory_pb2.AddAccountRequest(address=address, user=name)
        self.accounts[address] = self.ask(DirectoryStub, "AddAccount", account).id
        return self._known(address)

    def group(self, name: str, *members: str) -> str:
        """Make a group with an account; returns its address."""
        address = f"{name}@{self._domain}"
        self.ask(GroupsStub, "AddGroup", groups_pb2.AddGroupRequest(name=name, users=members))
        account = directory_pb2.AddAccountRequest(address=address, group=name)
        self.accounts[address] = self.ask(DirectoryStub, "AddAccount", account).id
        return self._known(address)

    def ask(self, contract: Any, method: str, request: Any) -> Any:
        """Call the directory as the operator."""
        assert self.server.host is not None
        stub = contract(self.server.host.channel("directory", "operator"))
        return self.server.run(getattr(stub, method)(request))

    def follow(self) -> None:
        """Wait until the mailstore's copy of the address book is as new as the directory."""
        mailstore: Any = self.server.app("mailstore")
        until(lambda: self.server.run(mailstore.book.lag()) == 0, "the mailstore knows the directory")

    def _known(self, address: str) -> str:
        self.follow()
        return address
