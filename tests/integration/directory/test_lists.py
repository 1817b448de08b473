"""Mailing lists and their members, over the directory's socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.grpc.errors import AlreadyExists, Denied, Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2, groups_pb2
from shared.rpc.mailfold.directory.v1 import lists_pb2 as pb
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running

DEVS = "devs@example.org"


def lists_of(running: Running, caller: str = "operator") -> Any:
    return ListsStub(running.channel(caller))


async def add(running: Running, address: str = DEVS, *members: str) -> Any:
    stub = lists_of(running)
    await stub.AddList(pb.AddListRequest(address=address, owners=["ann@example.org"], description="Developers"))
    if members:
        await stub.JoinList(pb.ListMembersRequest(name=address, members=members))
    return stub


async def kind_of(running: Running, address: str) -> tuple[str, list[str]]:
    resolution = await running.stub.Resolve(directory_pb2.ResolveRequest(address=address))
    kind = str(directory_pb2.Resolution.Kind.Name(resolution.kind))
    return kind, [target.address for target in resolution.targets]


async def members(stub: Any, name: str = DEVS, limit: int = 0) -> list[str]:
    listed: list[Any] = []
    while True:
        after = listed[-1].id if listed else ""
        page = await stub.ListMembers(pb.ListMembersPageRequest(name=name, after=after, limit=limit))
        listed += page.members
        if not page.has_more:
            return [member.address for member in listed]


async def test_a_list_has_members_in_pages(people: Running) -> None:
    stub = await add(people, DEVS, "ann@example.org", "Bob@elsewhere.example")
    more = [f"m{number}@elsewhere.example" for number in range(5)]
    reply = await stub.JoinList(pb.ListMembersRequest(name=DEVS, members=["bob@elsewhere.example", *more]))
    assert list(reply.changed) == more
    assert await members(stub, limit=2) == ["ann@example.org", "Bob@elsewhere.example", *more]
    left = await stub.LeaveList(pb.ListMembersRequest(name=DEVS, members=["M1@elsewhere.example", "x@y.example"]))
    assert list(left.changed) == ["m1@elsewhere.example"]
    shown = await stub.ShowList(pb.ListRequested(name=DEVS))
    assert (shown.members, shown.paused, shown.members_only, list(shown.owners)) == (6, 0, True, ["ann@example.org"])
    await people.restart()
    assert len(await members(lists_of(people))) == 6


async def test_its_addresses_are_taken_and_lead_to_its_owners(people: Running) -> None:
    await add(people)
    assert await kind_of(people, "Devs@example.org") == ("ACCOUNTS", [DEVS])
    assert await kind_of(people, "devs-owner@example.org") == ("ACCOUNTS", ["ann@example.org"])
    assert await kind_of(people, "devs-leave@example.org") == ("ACCOUNTS", ["devs-leave@example.org"])
    for name in ("devs", "devs-owner", "devs-bounces", "devs-leave"):
        with pytest.raises(AlreadyExists, match="mailing list"):
            await people.stub.AddAccount(directory_pb2.AddAccountRequest(address=f"{name}@example.org", user="ann"))
    await people.stub.AddAlias(
        directory_pb2.AddAliasRequest(address="news-owner@example.org", targets=["ann@example.org"])
    )
    with pytest.raises(AlreadyExists, match=r"news-owner@example\.org is held: it is an alias"):
        await add(people, "news@example.org")
    with pytest.raises(NotNow, match="mailing lists"):
        await lists_of(people).RemoveList(pb.ListRequested(name=DEVS))
        await add(people)
        await people.stub.RemoveAlias(directory_pb2.NameRequest(name="news-owner@example.org"))
        await people.remove_account("ann@example.org")
        await people.stub.RemoveDomain(directory_pb2.NameRequest(name="example.org"))


async def test_a_disabled_list_refuses_mail_whatever_the_catch_all_says(people: Running) -> None:
    stub = await add(people)
    await people.stub.SetDomainValue(
        directory_pb2.DomainValueRequest(name="example.org", value_name="catch_all", value="ann@example.org")
    )
    await stub.ChangeList(pb.ChangeListRequest(name=DEVS, disabled=True))
    assert [(await kind_of(people, f"devs{suffix}@example.org"))[0] for suffix in ("", "-owner", "-leave")] == [
        "DISABLED"
    ] * 3


async def test_a_new_holder_of_an_address_is_no_member_and_no_owner(people: Running) -> None:
    stub = await add(people, DEVS, "ann@example.org", "ann+devs@example.org", "bob@elsewhere.example")
    await people.remove_account("ann@example.org")
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="ann@example.org", user="ann"))
    assert await members(stub) == ["bob@elsewhere.example"]
    assert list((await stub.ShowList(pb.ListRequested(name=DEVS))).owners) == []
    assert (await kind_of(people, "devs-owner@example.org"))[0] == "DISABLED"
    owner = OwnerStub(people.channel("operator"))
    assert [row async for step in owner.Verify(owner_pb2.VerifyRequest()) for row in step.differences] == []


async def test_a_list_in_a_list_does_not_lead_back(people: Running) -> None:
    stub = await add(people)
    await add(people, "all@example.org", DEVS)
    for outer, inner in ((DEVS, "all@example.org"), (DEVS, DEVS)):
        with pytest.raises(Invalid, match="lead back"):
            await stub.JoinList(pb.ListMembersRequest(name=outer, members=[inner]))
    with pytest.raises(NotFound):
        await stub.JoinList(pb.ListMembersRequest(name=DEVS, members=["devs-owner@example.org"]))
    with pytest.raises(NotFound):
        await stub.JoinList(pb.ListMembersRequest(name=DEVS, members=["nobody@example.org"]))


async def test_who_may_post(people: Running) -> None:
    stub = await add(people, DEVS, "info@elsewhere.example")
    await add(people, "all@example.org", DEVS)
    await people.stub.AddAlias(directory_pb2.AddAliasRequest(address="a.nn@example.org", targets=["ann@example.org"]))
    ann = await people.stub.ShowUser(directory_pb2.NameRequest(name="ann"))

    async def may(name: str = DEVS, **poster: str) -> bool:
        return bool((await stub.MayPost(pb.MayPostRequest(name=name, **poster))).allowed)

    assert not await may(user=ann.id)
    await stub.JoinList(pb.ListMembersRequest(name=DEVS, members=["a.nn+devs@example.org"]))
    assert await may(user=ann.id) and await may(name="all@example.org", user=ann.id)
    assert await may(author="Info+x@elsewhere.example") and await may(author="ANN@example.org")
    assert not await may(author="other@elsewhere.example") and not await may(author=DEVS) and not await may()
    await stub.ChangeList(pb.ChangeListRequest(name=DEVS, members_only=False))
    assert await may()
    left = await stub.LeaveByMail(pb.MayPostRequest(name=DEVS, author="ann@example.org"))
    assert list(left.changed) == ["a.nn+devs@example.org"]


async def test_a_group_is_a_member_as_long_as_it_exists(people: Running) -> None:
    stub = await add(people, DEVS, "info@elsewhere.example")
    await add(people, "all@example.org", DEVS)
    groups = GroupsStub(people.channel("operator"))
    added = await groups.AddGroup(groups_pb2.AddGroupRequest(name="team", users=["ann"]))
    ann = await people.stub.ShowUser(directory_pb2.NameRequest(name="ann"))
    join = pb.ListMembersRequest(name=DEVS, members=["group:team", "group:TEAM", "eve@elsewhere.example"])
    assert list((await stub.JoinList(join)).changed) == ["eve@elsewhere.example", "group:team"]
    assert list((await stub.JoinList(join)).changed) == []
    with pytest.raises(NotFound, match="no group others"):
        await stub.JoinList(pb.ListMembersRequest(name=DEVS, members=["group:others"]))

    async def may(name: str = DEVS, **poster: str) -> tuple[bool, bool, bool]:
        reply = await stub.MayPost(pb.MayPostRequest(name=name, **poster))
        return reply.allowed, reply.is_member, reply.may_leave

    assert await may(user=ann.id) == await may(author="ann@example.org") == (True, True, False)
    assert await may(name="all@example.org", user=ann.id) == (True, True, False)
    left = await stub.LeaveByMail(pb.MayPostRequest(name=DEVS, user=ann.id))
    assert list(left.changed) == [], "nobody ends the membership of a group by mail"
    page = await stub.ListMembers(pb.ListMembersPageRequest(name=DEVS))
    (member,) = [member for member in page.members if member.group]
    assert (member.address, member.group) == ("group:team", added.id)
    counted = await lists_of(people, "delivery").CountBounce(
        pb.CountBounceRequest(name=DEVS, member=member.id, status="5.1.1", queue_id="q1")
    )
    assert not counted.counted, "a group is not paused because of one of its people"
    await groups.RenameGroup(groups_pb2.RenameGroupRequest(name="team", new_name="crew"))
    assert "group:crew" in await members(stub)
    await groups.LeaveGroup(groups_pb2.MembersRequest(group="crew", users=["ann"]))
    assert await may(user=ann.id) == (False, False, False)
    await groups.RemoveGroup(directory_pb2.NameRequest(name="crew"))
    assert await members(stub) == ["info@elsewhere.example", "eve@elsewhere.example"]
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="crew", users=["ann"]))
    assert await may(user=ann.id) == (False, False, False)
    owner = OwnerStub(people.channel("operator"))
    assert [row async for step in owner.Verify(owner_pb2.VerifyRequest()) for row in step.differences] == []


async def test_an_address_of_a_group_is_a_member_too(people: Running) -> None:
    """The group's account gets the posts; an alias of the group expands to its people."""
    stub = await add(people)
    groups = GroupsStub(people.channel("operator"))
    added = await groups.AddGroup(groups_pb2.AddGroupRequest(name="team", users=["ann"]))
    ann = await people.stub.ShowUser(directory_pb2.NameRequest(name="ann"))
    await people.stub.AddAccount(directory_pb2.AddAccountRequest(address="team@example.org", group=added.name))
    await people.stub.AddAlias(directory_pb2.AddAliasRequest(address="crew@example.org", targets=["group:team"]))
    for address in ("team@example.org", "crew@example.org"):
        await stub.JoinList(pb.ListMembersRequest(name=DEVS, members=[address]))
        assert (await stub.MayPost(pb.MayPostRequest(name=DEVS, user=ann.id))).allowed
        await stub.LeaveList(pb.ListMembersRequest(name=DEVS, members=[address]))
        assert not (await stub.MayPost(pb.MayPostRequest(name=DEVS, user=ann.id))).allowed


async def test_a_bounce_counts_once_a_day(people: Running, events_of: Callable[[Running], Any]) -> None:
    await add(people, DEVS, "bob@elsewhere.example")
    (member,) = (await lists_of(people).ListMembers(pb.ListMembersPageRequest(name=DEVS))).members
    shown = await lists_of(people).ShowList(pb.ListRequested(name=DEVS))
    delivery = lists_of(people, "delivery")

    def bounce(status: str, queue_id: str) -> Any:
        return delivery.CountBounce(
            pb.CountBounceRequest(name=shown.id, member=member.id, status=status, queue_id=queue_id)
        )

    assert not (await bounce("5.7.1", "q1")).counted
    assert (await bounce("5.1.1", "q2")).counted
    assert not (await bounce("5.1.1", "q3")).counted
    (counted,) = [entry.event for name, entry in await events_of(people) if name == "list.member_bounced"]
    assert (counted.status, counted.queue_id, counted.bounces) == ("5.1.1", "q2", 1)
    with pytest.raises(Denied):
        await lists_of(people).CountBounce(pb.CountBounceRequest(name=DEVS, member=member.id, status="5.1.1"))
    paused = await lists_of(people).SwitchMember(pb.SwitchMemberRequest(name=DEVS, member=member.id, paused=True))
    assert (paused.paused, paused.bounces, paused.last_status) == (True, 1, "5.1.1")
    page = await delivery.ListMembers(pb.ListMembersPageRequest(name=DEVS, without_paused=True))
    assert list(page.members) == []
