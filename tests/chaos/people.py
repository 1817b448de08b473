"""The accounts of these tests: one domain, some accounts, and aliases of one or several targets."""

from __future__ import annotations

import random
from dataclasses import dataclass

from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from tests.harness.contracts import Contracts

DOMAIN = "chaos.test"
PASSWORD = "kill them all, find them again"
NAMES = ("ann", "bob", "cleo", "dan", "eve", "finn")
ALIASES = {"info": ("ann",), "team": ("ann", "bob", "cleo"), "everybody": NAMES}
ELSEWHERE = "elsewhere.example"


@dataclass(frozen=True, slots=True)
class Destination:
    """Envelope recipients, and the accounts and addresses that they lead to."""

    recipients: tuple[str, ...]
    accounts: frozenset[str]
    remote: tuple[str, ...] = ()


def address(name: str) -> str:
    """An address at the domain of the tests."""
    return f"{name}@{DOMAIN}"


def settle(contracts: Contracts) -> None:
    """Create them through the directory's contract."""
    contracts.ask("directory", DirectoryStub, "AddDomain", pb.AddDomainRequest(name=DOMAIN, incoming=True))
    for name in NAMES:
        contracts.ask("directory", DirectoryStub, "AddUser", pb.AddUserRequest(name=name, password=PASSWORD))
        contracts.ask("directory", DirectoryStub, "AddAccount", pb.AddAccountRequest(address=address(name), user=name))
    for alias, targets in ALIASES.items():
        request = pb.AddAliasRequest(address=address(alias), targets=[address(name) for name in targets])
        contracts.ask("directory", DirectoryStub, "AddAlias", request)


def destination(chance: random.Random, *, outside: bool) -> Destination:
    """Mostly one account, sometimes several, an alias or a sub-address; or one account and a remote address."""
    dice = chance.random()
    if outside:
        entry, far = chance.choice(NAMES), f"friend{chance.randint(1, 99)}@{ELSEWHERE}"
        return Destination((address(entry), far), frozenset((address(entry),)), (far,))
    if dice < 0.7:
        name = chance.choice(NAMES)
        return Destination((address(name),), frozenset((address(name),)))
    if dice < 0.8:
        name = chance.choice(NAMES)
        return Destination((address(f"{name}+tag"),), frozenset((address(name),)))
    if dice < 0.9:
        names = chance.sample(NAMES, chance.randint(2, 4))
        return Destination(tuple(map(address, names)), frozenset(map(address, names)))
    alias, extra = chance.choice(tuple(ALIASES)), chance.choice(NAMES)
    reached = frozenset(map(address, (*ALIASES[alias], extra)))
    return Destination((address(alias), address(extra)), reached)
