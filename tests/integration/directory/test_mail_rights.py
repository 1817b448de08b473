"""Whose mail a user may change before it leaves, as other services ask the directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.directory.handlers.right_rules import SCRIPT_METHODS
from services.directory.handlers.rights import RECORDED_AN_HOUR
from shared.events.scripts import SERVER
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Denied, Invalid
from shared.rpc.mailfold.directory.v1 import archives_pb2, groups_pb2, mailrights_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.mailrights_pb2_grpc import MailRightsStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running

CANCEL = "Ingress/CancelWaiting"


@pytest.fixture
async def world(people: Running) -> Running:
    """Ann and bob have accounts and are in a group with one; eve has none."""
    for name in ("bob", "eve"):
        await people.stub.AddUser(pb.AddUserRequest(name=name, password="correct horse"))
    await people.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="bob"))
    groups = GroupsStub(people.channel("operator"))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="sales", users=["ann", "bob"]))
    await people.stub.AddAccount(pb.AddAccountRequest(address="sales@example.org", group="sales"))
    return people


async def account(running: Running, address: str) -> str:
    return str((await running.stub.ShowAccount(pb.NameRequest(name=address))).id)


async def ask(running: Running, user: str, account: str = "", *, caller: str = "ingress", method: str = CANCEL) -> Any:
    """What a service is told while it acts in the name of a user."""
    identity = (await running.stub.ShowUser(pb.NameRequest(name=user))).id
    with acting(Provenance(Actor("user", identity))):
        request = mailrights_pb2.AccountsOfRequest(method=method, account=account)
        return await MailRightsStub(running.channel(caller)).AccountsOf(request)


async def test_a_user_has_the_own_accounts_and_those_of_groups(world: Running) -> None:
    ann, bob, sales = [await account(world, f"{name}@example.org") for name in ("ann", "bob", "sales")]
    reply = await ask(world, "ann")
    assert (sorted(reply.accounts), reply.everything) == (sorted([ann, sales]), False)
    assert sorted((await ask(world, "bob")).accounts) == sorted([bob, sales])
    assert list((await ask(world, "eve")).accounts) == []
    assert list((await ask(world, "bob", sales)).accounts) == [sales]


async def test_what_is_another_s_is_refused_with_a_bounded_number_of_events(
    world: Running, events_of: Callable[[Running], Any]
) -> None:
    bob, sales = await account(world, "bob@example.org"), await account(world, "sales@example.org")
    for refused in (bob, "a0123456789abcdefghjk"):
        with pytest.raises(Denied):
            await ask(world, "ann", refused)
    with pytest.raises(Denied):
        await ask(world, "eve", sales)
    recorded = [entry for name, entry in await events_of(world) if name == "right.refused"]
    assert [entry.event.method for entry in recorded] == [CANCEL] * 3
    for _ in range(RECORDED_AN_HOUR + 5):
        with pytest.raises(Denied):
            await ask(world, "ann", bob)
    recorded = [entry for name, entry in await events_of(world) if name == "right.refused"]
    assert len(recorded) == RECORDED_AN_HOUR + 1


async def test_admins_have_more(world: Running) -> None:
    roles, bob = RolesStub(world.channel("operator")), await account(world, "bob@example.org")
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="domain-admin", domains=["example.org"]))
    assert list((await ask(world, "eve", bob)).accounts) == [bob]
    assert list((await ask(world, "eve")).accounts) == []
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="admin"))
    assert (await ask(world, "eve")).everything


async def test_owners_and_members_set_rules_and_see_removed_mail_and_a_domain_admin_sets_rules_alone(
    world: Running,
) -> None:
    sales = await account(world, "sales@example.org")
    roles = RolesStub(world.channel("operator"))
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="domain-admin", domains=["example.org"]))
    rules, mail = ("Expiry/ListExpiry", "Expiry/ChangeExpiry"), ("Removed/ListRemoved", "Removed/RestoreRemoved")
    for method in (*rules, *mail):
        assert list((await ask(world, "bob", sales, caller="mailstore", method=method)).accounts) == [sales]
    trials = ("DryRuns/TestScript", "DryRuns/WhatIf")
    for method in trials:
        assert list((await ask(world, "bob", sales, caller="delivery", method=method)).accounts) == [sales]
        with pytest.raises(Denied):
            await ask(world, "eve", sales, caller="delivery", method=method)
    for method in rules:
        assert list((await ask(world, "eve", sales, caller="mailstore", method=method)).accounts) == [sales]
    for method in mail:
        with pytest.raises(Denied):
            await ask(world, "eve", sales, caller="mailstore", method=method)


@pytest.mark.parametrize("method", SCRIPT_METHODS)
async def test_scripts_are_their_owners_and_those_of_the_server_need_an_admin(world: Running, method: str) -> None:
    bob, roles = await account(world, "bob@example.org"), RolesStub(world.channel("operator"))
    assert list((await ask(world, "bob", bob, caller="mailstore", method=method)).accounts) == [bob]
    for user, owner in (("ann", bob), ("eve", bob), ("bob", SERVER)):
        with pytest.raises(Denied):
            await ask(world, user, owner, caller="mailstore", method=method)
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="domain-admin", domains=["example.org"]))
    assert list((await ask(world, "eve", bob, caller="mailstore", method=method)).accounts) == [bob]
    with pytest.raises(Denied, match="this needs an admin of the server"):
        await ask(world, "eve", SERVER, caller="mailstore", method=method)
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="admin"))
    assert list((await ask(world, "eve", SERVER, caller="mailstore", method=method)).accounts) == [SERVER]


async def test_who_is_off_or_gone_has_nothing(world: Running) -> None:
    ann = await account(world, "ann@example.org")
    remove = archives_pb2.RemoveAccountRequest
    await world.archives.RemoveAccount(remove(account="ann@example.org", fate=remove.ARCHIVE))
    assert ann not in (await ask(world, "ann")).accounts
    with pytest.raises(Denied):
        await ask(world, "ann", ann)
    await world.stub.ChangeUser(pb.ChangeUserRequest(name="ann", disabled=True))
    with pytest.raises(Denied, match="disabled"):
        await ask(world, "ann")


async def test_only_the_services_ask(world: Running) -> None:
    for caller in ("outbound", "classifier"):
        with pytest.raises(Denied):
            await ask(world, "ann", caller=caller)
    with pytest.raises(Denied):  # a user may not ask about the own rights of others
        await ask(world, "ann", caller="operator")
    with pytest.raises(Invalid):
        await ask(world, "ann", method="Outbound/Cancel")
    with pytest.raises(Invalid):
        request = mailrights_pb2.AccountsOfRequest(method=CANCEL)
        await MailRightsStub(world.channel("ingress")).AccountsOf(request)


async def ask_events(running: Running, user: str, domain: str) -> bool:
    """Whether a user sees all of the events of a domain; an empty one means all domains."""
    identity = (await running.stub.ShowUser(pb.NameRequest(name=user))).id
    with acting(Provenance(Actor("user", identity))):
        request = mailrights_pb2.AccountsOfRequest(method="EventLog/Query", domain=domain)
        return bool((await MailRightsStub(running.channel("ingress")).AccountsOf(request)).everything)


async def test_events_are_for_admins_and_those_of_a_domain_for_its_admins(world: Running) -> None:
    roles = RolesStub(world.channel("operator"))
    await world.stub.AddDomain(pb.AddDomainRequest(name="example.net", incoming=True))
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="bob", role="domain-admin", domains=["example.org"]))
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="admin"))
    assert await ask_events(world, "eve", "")
    assert await ask_events(world, "eve", "example.org")
    assert not await ask_events(world, "bob", "example.org")
    for user, domain in (("bob", ""), ("bob", "example.net"), ("bob", "elsewhere.example"), ("ann", "example.org"),
                         ("ann", "")):  # fmt: skip
        with pytest.raises(Denied):
            await ask_events(world, user, domain)
