"""Mail to postmaster and abuse of a domain without such an address."""

from __future__ import annotations

import pytest

from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.owner.v1.owner_pb2 import ReportRequest
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running

NAMED = {"MAILFOLD_DIRECTORY_POSTMASTER": "ann@example.org", "MAILFOLD_SERVER_HOSTNAME": "MX.example.net"}
named = pytest.mark.parametrize("environment", [NAMED])


async def resolve(running: Running, address: str) -> pb.Resolution:
    return await running.stub.Resolve(pb.ResolveRequest(address=address))  # type: ignore[no-any-return]


async def without_postmaster(running: Running) -> int:
    report = await OwnerStub(running.channel("operator")).Report(ReportRequest())
    return report.counts["domains_without_postmaster"]  # type: ignore[no-any-return]


@named
@pytest.mark.parametrize(
    "address",
    [
        "postmaster@example.org",
        "PostMaster@EXAMPLE.org",
        "abuse@example.org",
        "postmaster+tag@example.org",
        "postmaster@mx.example.net",
    ],
)
async def test_it_reaches_the_operator(people: Running, address: str) -> None:
    answer = await resolve(people, address)
    assert (answer.kind, [target.address for target in answer.targets]) == (pb.Resolution.ACCOUNTS, ["ann@example.org"])
    assert answer.via.lower() == address.lower()


@named
async def test_nothing_else_does(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="outgoing.example"))
    for address, kind in (
        ("postmasters@example.org", pb.Resolution.UNKNOWN),
        ("webmaster@mx.example.net", pb.Resolution.REMOTE),
        ("postmaster@elsewhere.example", pb.Resolution.REMOTE),
        ("postmaster@outgoing.example", pb.Resolution.OUTGOING_ONLY),
    ):
        assert (await resolve(people, address)).kind == kind, address


@named
async def test_what_the_domain_names_comes_first(people: Running) -> None:
    await people.stub.AddUser(pb.AddUserRequest(name="bob", password="correct horse"))
    await people.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="bob"))
    await people.stub.AddAlias(pb.AddAliasRequest(address="postmaster@example.org", targets=["bob@example.org"]))
    assert [target.address for target in (await resolve(people, "postmaster@example.org")).targets] == [
        "bob@example.org"
    ]
    await people.stub.ChangeAlias(pb.ChangeAliasRequest(address="postmaster@example.org", disabled=True))
    assert (await resolve(people, "postmaster@example.org")).kind == pb.Resolution.DISABLED


async def test_without_the_setting_it_is_refused_and_counted(people: Running) -> None:
    assert (await resolve(people, "postmaster@example.org")).kind == pb.Resolution.UNKNOWN
    assert await without_postmaster(people) == 1
    await people.stub.AddAlias(pb.AddAliasRequest(address="postmaster@example.org", targets=["ann@example.org"]))
    assert await without_postmaster(people) == 0


@pytest.mark.parametrize(
    "environment",
    [{"MAILFOLD_DIRECTORY_POSTMASTER": address} for address in ("gone@example.org", "far@else.example", "a@b..c")],
)
async def test_a_postmaster_address_that_cannot_receive_is_not_used(people: Running) -> None:
    assert (await resolve(people, "postmaster@example.org")).kind == pb.Resolution.UNKNOWN
    assert await without_postmaster(people) == 1
