"""Creates the demo's domain and users once, and keeps their passwords in a file that only its owner can read."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec
import orjson

from mailfold.operator.session import Session, with_fresh_command_id
from shared.grpc.errors import AlreadyExists
from shared.tls.private_files import write_private

if TYPE_CHECKING:
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryAsyncStub

Request = TypeVar("Request")

DOMAIN = "example.test"
USERS = ("ann", "bob")
_OCTETS = 12


class Person(msgspec.Struct, frozen=True):
    """A demo user."""

    user: str
    address: str
    password: str


async def ensure_people(session: Session) -> list[Person]:
    """Create the domain and the users, unless the file shows that they exist."""
    file = session.places.data / "demo.json"
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=list[Person])
    from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

    stub = DirectoryStub(await session.running("directory"))
    people = [Person(user, f"{user}@{DOMAIN}", secrets.token_urlsafe(_OCTETS)) for user in USERS]
    await _unless_there(stub.AddDomain, pb.AddDomainRequest(name=DOMAIN, incoming=True))
    for person in people:
        await _ensure_user(stub, person)
        await _unless_there(stub.AddAccount, pb.AddAccountRequest(address=person.address, user=person.user))
    write_private(file, orjson.dumps(msgspec.to_builtins(people), option=orjson.OPT_INDENT_2))
    return people


async def _ensure_user(stub: DirectoryAsyncStub, person: Person) -> None:
    from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb

    if not await _unless_there(stub.AddUser, pb.AddUserRequest(name=person.user, password=person.password)):
        # It may exist from an interrupted start, with a password that was never stored.
        with with_fresh_command_id():
            await stub.ChangeUser(pb.ChangeUserRequest(name=person.user, password=person.password))


async def _unless_there(call: Callable[[Request], Awaitable[object]], request: Request) -> bool:
    """Create something; returns whether it was new."""
    try:
        with with_fresh_command_id():
            await call(request)
    except AlreadyExists:
        return False
    return True
