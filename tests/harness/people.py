"""Creates domains, users and addresses of a server under test through the directory's contract."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from tests.harness.contracts import Contracts

DOMAIN = "example.org"
"""A domain that receives mail."""
SENDING_DOMAIN = "sending.example"
"""A domain of ours that only sends."""
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with one account; the login is the address."""

    user: str
    address: str
    account: str
    password: str = PASSWORD


class People:
    """Creates users. Each test uses its own, so that tests do not see each other's mail."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self._numbers = itertools.count(1)

    def make_domains(self) -> None:
        """Create the two domains, once for each server."""
        self.ask("AddDomain", pb.AddDomainRequest(name=DOMAIN, incoming=True))
        self.ask("AddDomain", pb.AddDomainRequest(name=SENDING_DOMAIN))

    def person(self, name: str, *, domain: str = DOMAIN, quota: int = 0) -> Person:
        """Create a user: `ann` becomes ann1@example.org."""
        return self.people(name, domain=domain, quota=quota)[0]

    def people(self, *names: str, domain: str = DOMAIN, quota: int = 0) -> list[Person]:
        """Create several users at once."""
        logins = [f"{name}{next(self._numbers)}" for name in names]
        addresses = [f"{login}@{domain}" for login in logins]
        self._many("AddUser", [pb.AddUserRequest(name=login, password=PASSWORD) for login in logins])
        requests = [
            pb.AddAccountRequest(address=address, user=login, quota_bytes=quota)
            for login, address in zip(logins, addresses, strict=True)
        ]
        accounts = self._many("AddAccount", requests)
        return [
            Person(login, address, account.id)
            for login, address, account in zip(logins, addresses, accounts, strict=True)
        ]

    def alias(self, name: str, *targets: str, domain: str = DOMAIN) -> str:
        """Create an alias; returns its address."""
        address = f"{name}{next(self._numbers)}@{domain}"
        self.ask("AddAlias", pb.AddAliasRequest(address=address, targets=targets))
        return address

    def ask(self, method: str, request: object) -> object:
        """Make one call of the directory. Raises ServiceError."""
        return self._contracts.ask("directory", DirectoryStub, method, request)

    def _many(self, method: str, requests: Sequence[object]) -> list[pb.Account]:
        return self._contracts.ask_many("directory", DirectoryStub, method, requests)
