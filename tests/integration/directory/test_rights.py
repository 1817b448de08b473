"""A domain admin and a user try everything, over the directory's socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

import shared.rpc.mailfold.directory.v1 as contracts
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Denied, ServiceError
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import roles_pb2
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running

OPEN_TO_USERS = {
    "ListDomains",
    "ListUsers",
    "ListAccounts",
    "ListAliases",
    "ListApplications",
    "ListLists",
    "ListRelayPresets",
}
"""Methods without an object: their replies have only what is the user's own."""


@pytest.fixture
async def two_domains(people: Running) -> AsyncIterator[Running]:
    """Ann has accounts in both domains, bob in example.org and eve in example.net; carla administers example.org."""
    stub = people.stub
    await stub.AddDomain(pb.AddDomainRequest(name="example.net", incoming=True))
    for name in ("bob", "eve", "carla"):
        await stub.AddUser(pb.AddUserRequest(name=name, password="correct horse"))
    for address, user in (("ann@example.net", "ann"), ("bob@example.org", "bob"), ("eve@example.net", "eve")):
        await stub.AddAccount(pb.AddAccountRequest(address=address, user=user))
    await RolesStub(people.channel("operator")).GiveRole(
        roles_pb2.GiveRoleRequest(user="carla", role="domain-admin", domains=["example.org"])
    )
    yield people


async def as_user(running: Running, name: str) -> Provenance:
    return Provenance(Actor("user", (await running.stub.ShowUser(pb.NameRequest(name=name))).id))


def methods() -> Iterator[tuple[ServiceDescriptor, MethodDescriptor]]:
    for path in Path(contracts.__path__[0]).glob("*_pb2.py"):
        module = import_module(f"{contracts.__name__}.{path.stem}")
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from ((service, method) for method in service.methods)


async def answer(running: Running, service: ServiceDescriptor, method: MethodDescriptor) -> Any:
    """Call a method with an empty request, and read a stream to its end."""
    module = import_module(f"{contracts.__name__}.{Path(service.file.name).stem}_pb2")
    stub = getattr(import_module(f"{module.__name__}_grpc"), f"{service.name}Stub")(running.channel("operator"))
    request = GetMessageClass(method.input_type)()
    if method.client_streaming:
        pytest.fail(f"{method.full_name} streams requests: teach this test to send one")
    called = getattr(stub, method.name)(request)
    if not method.server_streaming:
        return await called
    return [reply async for reply in called]


@pytest.mark.parametrize("name", ["bob", "carla"])
async def test_a_method_without_a_rule_is_for_admins_of_the_server(two_domains: Running, name: str) -> None:
    reached = set()
    with acting(await as_user(two_domains, name)):
        for service, method in methods():
            try:
                await answer(two_domains, service, method)
                reached.add(method.name)
            except Denied:
                pass
            except ServiceError:
                reached.add(method.name)
    assert reached == OPEN_TO_USERS | ({"AddUser"} if name == "carla" else set())


Call = Callable[[Any], Any]
IN_ORG: dict[str, Call] = {
    "show domain": lambda stub: stub.ShowDomain(pb.NameRequest(name="example.org")),
    "value": lambda stub: stub.SetDomainValue(
        pb.DomainValueRequest(name="example.org", value_name="default_quota", value="5G")
    ),
    "password": lambda stub: stub.ChangeUser(pb.ChangeUserRequest(name="bob", password="battery staple")),
    "show account": lambda stub: stub.ShowAccount(pb.NameRequest(name="bob@example.org")),
    "quota": lambda stub: stub.ChangeAccount(pb.ChangeAccountRequest(address="bob@example.org", quota_bytes=5000)),
    "alias": lambda stub: stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["bob@example.org"])),
    "dkim": lambda stub: stub.ShowDkim(pb.NameRequest(name="example.org")),
    "explain": lambda stub: stub.ExplainAddress(pb.ResolveRequest(address="bob@example.org")),
}
BESIDE: dict[str, Call] = {
    "domain": lambda stub: stub.AddDomain(pb.AddDomainRequest(name="example.com")),
    "incoming": lambda stub: stub.ChangeDomain(pb.ChangeDomainRequest(name="example.org", disabled=True)),
    "foreign domain": lambda stub: stub.ShowDomain(pb.NameRequest(name="example.net")),
    "domain alias": lambda stub: stub.AliasDomain(pb.AliasDomainRequest(name="example.net", domain="example.org")),
    "masquerading": lambda stub: stub.SetDomainValue(
        pb.DomainValueRequest(name="example.net", value_name="masquerading", value="on")
    ),
    "user elsewhere": lambda stub: stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="battery staple")),
    "foreign user": lambda stub: stub.ShowUser(pb.NameRequest(name="eve")),
    "role": lambda stub: stub.ShowAlias(pb.NameRequest(name="postmaster@example.net")),
    "foreign postmaster": lambda stub: stub.AddAlias(
        pb.AddAliasRequest(address="postmaster@example.net", targets=["bob@example.org"])
    ),
    "account for a foreign user": lambda stub: stub.AddAccount(
        pb.AddAccountRequest(address="eve@example.org", user="eve")
    ),
    "foreign account": lambda stub: stub.AddAccount(pb.AddAccountRequest(address="bob@example.net", user="bob")),
    "two domains in a text": lambda stub: stub.AddAlias(
        pb.AddAliasRequest(address="x@example.net@example.org", targets=["bob@example.org"])
    ),
    "relay": lambda stub: stub.SetRelay(pb.SetRelayRequest(domain="example.org", preset="smart-host", host="10.0.0.1")),
    "setting": lambda stub: stub.ChangeSetting(pb.ChangeSettingRequest(name="server.host", value="x.example")),
    "secrets": lambda stub: stub.RekeySecrets(pb.ListRequest()),
}


async def test_a_domain_admin_changes_what_is_in_the_domain(two_domains: Running) -> None:
    with acting(await as_user(two_domains, "carla")):
        for call in IN_ORG.values():
            await call(two_domains.stub)
        await two_domains.stub.AddUser(pb.AddUserRequest(name="dora", password="correct horse"))
        await two_domains.stub.AddAccount(pb.AddAccountRequest(address="dora@example.org", user="dora"))
        await two_domains.stub.ChangeUser(pb.ChangeUserRequest(name="dora", password="battery staple"))


async def test_what_is_beside_the_rights_is_refused_with_an_event(
    two_domains: Running, events_of: Callable[[Running], Any]
) -> None:
    carla = await as_user(two_domains, "carla")
    before = [event for event in await events_of(two_domains) if event[0] != "right.refused"]
    with acting(carla):
        for call in BESIDE.values():
            with pytest.raises(Denied):
                await call(two_domains.stub)
    events = await events_of(two_domains)
    assert [event for event in events if event[0] != "right.refused"] == before
    refused = [entry for name, entry in events if name == "right.refused"]
    assert len(refused) == len(BESIDE)
    assert {entry.event.user for entry in refused} == {carla.actor.id}


async def test_refusals_are_recorded_up_to_a_limit(two_domains: Running, events_of: Callable[[Running], Any]) -> None:
    with acting(await as_user(two_domains, "bob")):
        for _ in range(30):
            with pytest.raises(Denied):
                await two_domains.stub.AddDomain(pb.AddDomainRequest(name="example.com"))
    assert sum(name == "right.refused" for name, _event in await events_of(two_domains)) == 20


async def test_lists_have_only_what_is_visible(two_domains: Running) -> None:
    stub = two_domains.stub
    await stub.AddAlias(pb.AddAliasRequest(address="eve-alias@example.net", targets=["eve@example.net"]))
    await stub.AddAlias(pb.AddAliasRequest(address="all@example.org", targets=["bob@example.org", "eve@example.net"]))
    visible = {}
    for name in ("carla", "eve"):
        with acting(await as_user(two_domains, name)):
            visible[name] = (
                [domain.name for domain in (await stub.ListDomains(pb.ListRequest())).domains],
                [user.name for user in (await stub.ListUsers(pb.ListRequest())).users],
                [account.address for account in (await stub.ListAccounts(pb.ListRequest())).accounts],
                [alias.address for alias in (await stub.ListAliases(pb.ListRequest())).aliases],
            )
    assert visible == {
        "carla": (
            ["example.org"],
            ["bob", "carla"],
            ["ann@example.org", "bob@example.org"],
            ["all@example.org"],
        ),
        "eve": (["example.net"], ["eve"], ["eve@example.net"], ["eve-alias@example.net"]),
    }


async def test_a_user_changes_the_own_password_and_nothing_else(two_domains: Running) -> None:
    with acting(await as_user(two_domains, "eve")):
        await two_domains.stub.ChangeUser(pb.ChangeUserRequest(name="eve", password="battery staple"))
        for request in (
            pb.ChangeUserRequest(name="eve", disabled=False),
            pb.ChangeUserRequest(name="bob", password="battery staple"),
        ):
            with pytest.raises(Denied):
                await two_domains.stub.ChangeUser(request)
    assert (await two_domains.log_in("battery staple", "eve@example.net")).ok


async def test_who_is_disabled_or_loses_the_role_has_no_rights(two_domains: Running) -> None:
    carla, show = await as_user(two_domains, "carla"), pb.NameRequest(name="example.org")
    await two_domains.stub.ChangeUser(pb.ChangeUserRequest(name="carla", disabled=True))
    with acting(carla), pytest.raises(Denied, match="disabled"):
        await two_domains.stub.ListDomains(pb.ListRequest())
    await two_domains.stub.ChangeUser(pb.ChangeUserRequest(name="carla", disabled=False))
    with acting(carla):
        await two_domains.stub.ShowDomain(show)
    await RolesStub(two_domains.channel("operator")).GiveRole(roles_pb2.GiveRoleRequest(user="carla", role="user"))
    with acting(carla), pytest.raises(Denied):
        await two_domains.stub.ShowDomain(show)
