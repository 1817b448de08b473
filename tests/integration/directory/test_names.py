"""Domains with values and aliases, and aliases with ends and owners, over the directory's socket."""

from __future__ import annotations

import asyncio
import time

import pytest

from shared.grpc.errors import AlreadyExists, Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running


async def kind_of(running: Running, address: str) -> str:
    resolution = await running.stub.Resolve(pb.ResolveRequest(address=address))
    return str(pb.Resolution.Kind.Name(resolution.kind))


async def until_refused(running: Running, address: str) -> None:
    async with asyncio.timeout(60):
        while await kind_of(running, address) == "ACCOUNTS":  # noqa: ASYNC110 -- the end is an event of another process
            await asyncio.sleep(0.05)


async def test_a_temporary_alias_ends_by_itself_and_its_address_stays_taken(people: Running) -> None:
    ends_at = int((time.time() + 1.0) * 1_000_000)
    added = await people.stub.AddAlias(
        pb.AddAliasRequest(address="fair@example.org", targets=["ann@example.org"], ends_at=ends_at)
    )
    assert (added.ends_at, added.ended) == (ends_at, False)
    await people.stub.SetDomainValue(
        pb.DomainValueRequest(name="example.org", value_name="catch_all", value="ann@example.org")
    )
    await until_refused(people, "fair@example.org")
    assert await kind_of(people, "fair@example.org") == "DISABLED"
    with pytest.raises(AlreadyExists, match="ended alias"):
        await people.stub.AddAccount(pb.AddAccountRequest(address="fair@example.org", user="ann"))
    renewed = await people.stub.ChangeAlias(pb.ChangeAliasRequest(address="fair@example.org", ends_at=0))
    assert (renewed.ended, renewed.ends_at) == (False, 0)
    assert await kind_of(people, "fair@example.org") == "ACCOUNTS"


async def test_an_end_that_passed_while_the_directory_was_stopped(people: Running) -> None:
    ends_at = int((time.time() + 0.5) * 1_000_000)
    await people.stub.AddAlias(
        pb.AddAliasRequest(address="fair@example.org", targets=["ann@example.org"], ends_at=ends_at)
    )
    await people.stop()
    await asyncio.sleep(max(0.0, ends_at / 1_000_000 - time.time()))
    await people.start()
    await until_refused(people, "fair@example.org")


@pytest.mark.parametrize(
    ("address", "targets"),
    [
        ("*@example.org", ["nobody@example.org"]),
        ("sales-*@example.org", ["sales-1@example.org"]),
        ("info@example.org", ["info+x@example.org"]),
    ],
)
async def test_an_alias_that_leads_back_is_refused(people: Running, address: str, targets: list[str]) -> None:
    with pytest.raises((Invalid, NotFound)):
        await people.stub.AddAlias(pb.AddAliasRequest(address=address, targets=targets))
    assert (await people.stub.ListAliases(pb.ListRequest())).aliases == []


async def test_a_loop_over_several_aliases_is_refused(people: Running) -> None:
    await people.stub.AddAlias(pb.AddAliasRequest(address="a@example.org", targets=["ann@example.org"]))
    await people.stub.AddAlias(pb.AddAliasRequest(address="b@example.org", targets=["a@example.org"]))
    with pytest.raises(Invalid, match="itself"):
        await people.stub.ChangeAlias(
            pb.ChangeAliasRequest(address="a@example.org", targets=pb.Names(names=["b@example.org"]))
        )


@pytest.mark.parametrize(
    ("value", "error"), [("nobody@example.org", NotFound), ("x@elsewhere.example", NotFound), ("no address", Invalid)]
)
async def test_a_catch_all_leads_to_somebody_here(people: Running, value: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await people.stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name="catch_all", value=value))
    assert await kind_of(people, "other@example.org") == "UNKNOWN"


async def test_an_alias_of_a_domain_has_no_addresses_of_its_own(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="b.example", incoming=True))
    aliased = await people.stub.AliasDomain(pb.AliasDomainRequest(name="b.example", domain="example.org"))
    assert aliased.alias_of == "example.org"
    with pytest.raises(AlreadyExists, match=r"alias of the domain example\.org"):
        await people.stub.AddAccount(pb.AddAccountRequest(address="bob@b.example", user="ann"))
    await people.remove_account("ann@example.org")
    with pytest.raises(NotNow, match=r"b\.example"):
        await people.stub.RemoveDomain(pb.NameRequest(name="example.org"))
    ended = await people.stub.AliasDomain(pb.AliasDomainRequest(name="b.example"))
    assert ended.alias_of == ""
    assert await kind_of(people, "ann@b.example") == "UNKNOWN"


async def test_an_alias_of_a_domain_signs_with_its_own_keys_and_uses_the_relay_of_the_domain(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="b.example", incoming=True))
    await people.stub.AliasDomain(pb.AliasDomainRequest(name="b.example", domain="example.org"))
    await people.stub.SetRelay(
        pb.SetRelayRequest(domain="example.org", preset="smarthost", host="relay.example", port=25, tls="none")
    )
    outbound = type(people.stub)(people.channel("outbound"))
    sending = await outbound.SendingOf(pb.SendingRequest(domain="b.example"))
    assert {key.domain for key in sending.keys} == {"b.example"}
    assert sending.relay.host == "relay.example"


async def test_the_way_of_an_address_is_explained(people: Running) -> None:
    await people.stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"]))
    way = await people.stub.ExplainAddress(pb.ResolveRequest(address="info+x@example.org"))
    assert [(step.depth, step.address) for step in way.steps] == [(0, "info+x@example.org"), (1, "ann@example.org")]
    assert [target.address for target in way.resolution.targets] == ["ann@example.org"]
    with pytest.raises(Invalid):
        await people.stub.ExplainAddress(pb.ResolveRequest(address="nobody"))


async def test_everything_survives_a_restart_and_a_rebuild(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="b.example", incoming=True))
    await people.stub.AliasDomain(pb.AliasDomainRequest(name="b.example", domain="example.org"))
    for value_name, value in (("catch_all", "ann@example.org"), ("separators", "-"), ("masquerading", "on")):
        await people.stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name=value_name, value=value))
    await people.stub.AddAlias(
        pb.AddAliasRequest(address="sales-*@example.org", targets=["ann@example.org"], ends_at=2_000_000_000_000_000)
    )
    await people.stub.AddAlias(
        pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"], owners=["ann"])
    )
    before = [
        await people.stub.ShowDomain(pb.NameRequest(name="example.org")),
        await people.stub.ShowDomain(pb.NameRequest(name="b.example")),
        await people.stub.ListAliases(pb.ListRequest()),
        await people.stub.ShowAlias(pb.NameRequest(name="info@example.org")),
    ]
    assert dict(before[0].values) == {"catch_all": "ann@example.org", "separators": "-", "masquerading": "on"}
    assert list(before[3].owners) == ["ann"]
    assert [list(alias.owners) for alias in before[2].aliases] == [["ann"], []]
    await people.restart()
    owner = OwnerStub(people.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert (verdict.done, list(verdict.differences)) == (True, [])
    after = [
        await people.stub.ShowDomain(pb.NameRequest(name="example.org")),
        await people.stub.ShowDomain(pb.NameRequest(name="b.example")),
        await people.stub.ListAliases(pb.ListRequest()),
        await people.stub.ShowAlias(pb.NameRequest(name="info@example.org")),
    ]
    assert after == before
    assert await kind_of(people, "sales-7@b.example") == "ACCOUNTS"


async def test_new_accounts_get_the_default_quota_of_their_domain(people: Running) -> None:
    await people.stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name="default_quota", value="5G"))
    bob = await people.stub.AddAccount(pb.AddAccountRequest(address="bob_1@example.org", user="ann"))
    eve = await people.stub.AddAccount(pb.AddAccountRequest(address="eve@example.org", user="ann", quota_bytes=0))
    ann = await people.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))
    assert (bob.quota_bytes, eve.quota_bytes, ann.quota_bytes) == (5 << 30, 0, 1000)
