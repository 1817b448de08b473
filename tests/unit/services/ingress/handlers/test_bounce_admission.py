"""Bounces to return paths of ours: a limited number for each network, and no refusal while the directory is away."""

from __future__ import annotations

from typing import cast

import pytest

from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.handlers.bounce_admission import BounceAdmission, is_return_path
from shared.clock import FixedClock
from shared.events.lists import ListAdded
from shared.grpc.errors import Unavailable
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.address.address import Address, parse_address
from shared.protocol.srs.member import BouncedMember, MemberReturnPath, ReadMember
from shared.protocol.srs.proof import NoReturnAddress
from shared.protocol.srs.rewrite import Reversed
from shared.routing.address_book import AddressBook
from shared.routing.resolution import ResolutionKind

BOB = parse_address("bob@elsewhere.example")
PATH = Address("SRS0=AAAAAAAA=AA=elsewhere.example=bob", "example.org")


class Paths:
    """Return paths that read everything alike."""

    def __init__(self, sender: Reversed | Unavailable) -> None:
        self._sender = sender

    async def sender_of(self, address: Address, domains: tuple[str, ...]) -> Reversed:
        assert domains == ("example.org",)
        if isinstance(self._sender, Unavailable):
            raise self._sender
        return self._sender

    async def member_of(self, path: MemberReturnPath, list_id: str) -> ReadMember:
        assert list_id == "i1"
        return BouncedMember(path.member_id) if path.hash == "bbbbbbbb" else NoReturnAddress("forged")


class Directory:
    """The lists of a directory that has been read."""

    def __init__(self) -> None:
        self.copy = AddressBook()
        self.copy.apply(ListAdded("i1", "devs@example.org", ("ann@example.org",)))


def admission_of(sender: Reversed | Unavailable, clock: FixedClock | None = None, most: int = 10) -> BounceAdmission:
    return BounceAdmission(
        cast(KeptReturnPaths, Paths(sender)), cast(FollowedDirectory, Directory()), clock or FixedClock(), most
    )


@pytest.mark.parametrize(
    ("sender", "reverse_path", "expected"),
    [
        (BOB, None, "250 2.1.5"),
        (BOB, BOB, "550 5.7.1"),
        (NoReturnAddress("forged"), None, "550 5.1.1"),
        (NoReturnAddress("malformed"), None, "550 5.1.1"),
        (NoReturnAddress("expired"), None, "550 5.1.1"),
        (Unavailable("the directory is away"), None, "451 4.3.0"),
    ],
)
async def test_the_reply(sender: Reversed | Unavailable, reverse_path: Address | None, expected: str) -> None:
    reply = await admission_of(sender).reply(PATH, reverse_path, "192.0.2.1")
    assert f"{reply.code} {reply.enhanced}" == expected


async def test_a_network_sends_a_limited_number_of_bounces() -> None:
    clock = FixedClock()
    bounces = admission_of(BOB, clock, most=2)
    codes = [(await bounces.reply(PATH, None, "192.0.2.1")).code for _ in range(3)]
    assert codes == [250, 250, 450]
    assert (await bounces.reply(PATH, None, "192.0.2.9")).code == 250
    clock.advance(900)
    assert (await bounces.reply(PATH, None, "192.0.2.1")).code == 250


@pytest.mark.parametrize("kind", list(ResolutionKind))
def test_only_domains_that_receive_here_have_return_paths(kind: ResolutionKind) -> None:
    assert is_return_path(PATH, kind) is (kind in (ResolutionKind.UNKNOWN, ResolutionKind.ACCOUNTS))
    assert not is_return_path(parse_address("ann@example.org"), kind)


@pytest.mark.parametrize(
    ("localpart", "reverse_path", "expected"),
    [
        ("devs=n1=aabbbbbbbb", None, "250 2.1.5"),
        ("devs=n1=aabbbbbbbb", BOB, "550 5.7.1"),
        ("i1=n1=aabbbbbbbb", None, "250 2.1.5"),
        ("devs=n1=aacccccccc", None, "550 5.1.1"),
        ("others=n1=aabbbbbbbb", None, "550 5.1.1"),
    ],
)
async def test_the_reply_to_a_post_that_comes_back(localpart: str, reverse_path: Address | None, expected: str) -> None:
    path = Address(localpart, "example.org")
    assert is_return_path(path, ResolutionKind.UNKNOWN)
    reply = await admission_of(BOB).reply(path, reverse_path, "192.0.2.1")
    assert f"{reply.code} {reply.enhanced}" == expected
