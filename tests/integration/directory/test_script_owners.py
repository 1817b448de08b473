"""What scripts know of the owner of an account: every address that leads there."""

from __future__ import annotations

import pytest

from shared.grpc.errors import Denied, NotFound
from shared.protocol.languages.language import language_of
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import groups_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.scripts.owner import ScriptOwners
from tests.integration.directory.conftest import Running

DOMAINS = ("example.org", "other.example")


async def test_all_addresses_of_the_owner(people: Running) -> None:
    account = (await people.stub.ShowAccount(pb.NameRequest(name="ann@example.org"))).id
    profile = groups_pb2.SetProfileRequest(user="ann", language="de-AT", time_zone="Europe/Vienna")
    await GroupsStub(people.channel("operator")).SetProfile(profile)
    await people.stub.AddDomain(pb.AddDomainRequest(name="other.example", incoming=True))
    await people.stub.AliasDomain(pb.AliasDomainRequest(name="other.example", domain="example.org"))
    for address, target in (("info", "ann"), ("help", "info"), ("w*", "ann"), ("off", "ann"), ("both", "help")):
        request = pb.AddAliasRequest(address=f"{address}@example.org", targets=[f"{target}@example.org"])
        await people.stub.AddAlias(request)
    await people.stub.ChangeAlias(pb.ChangeAliasRequest(address="off@example.org", disabled=True))
    owner = await ScriptOwners(people.channel("delivery")).of(account)
    assert owner.address == "ann@example.org"
    names = ("ann", "both", "help", "info")
    assert sorted(owner.addresses) == [f"{name}@{domain}" for name in names for domain in DOMAINS]
    assert (owner.language, str(owner.zone), owner.separators) == (language_of("de"), "Europe/Vienna", "+")


async def test_nobody_else_is_told(people: Running) -> None:
    with pytest.raises(NotFound):
        await ScriptOwners(people.channel("delivery")).of("a" + "0" * 20)
    for service in ("ingress", "outbound"):
        with pytest.raises(Denied):
            await ScriptOwners(people.channel(service)).of("a" + "0" * 20)
