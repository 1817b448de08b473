"""Groups of a real slapd are groups here, and what it says about people is followed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.grpc.errors import Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import groups_pb2, ldap_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.ldap_pb2_grpc import LdapStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_ldap import sync, users
from tests.parts.required import needs
from tests.parts.slapd import Slapd, settings_of


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    needs(Slapd)
    with Slapd() as running:
        for name, password in (("ann", "horse"), ("bob", "staple"), ("cid", "martini")):
            running.add(name, password, f"{name}@example.org")
        running.add_group("sales", "ann", "bob", mail="sales@example.org")
        yield running


@pytest.fixture
def environment(slapd: Slapd) -> dict[str, str]:
    return {
        **settings_of(slapd),
        "MAILFOLD_LDAP_DISABLED_FILTER": "(employeeType=disabled)",
        "MAILFOLD_LDAP_LANGUAGE_ATTRIBUTE": "preferredLanguage",
    }


@pytest.fixture
async def following(directory: Running) -> Running:
    """A directory with the domain, and everybody and all groups of slapd."""
    await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org", incoming=True))
    await sync(directory)
    return directory


async def groups(running: Running) -> dict[str, list[str]]:
    """The members of each group."""
    listed = await GroupsStub(running.channel("operator")).ListGroups(pb.ListRequest())
    return {group.name: list(group.members) for group in listed.groups}


async def test_a_group_with_its_account(following: Running, slapd: Slapd) -> None:
    group = await GroupsStub(following.channel("operator")).ShowGroup(pb.NameRequest(name="sales"))
    assert (list(group.members), list(group.accounts)) == (["ann", "bob"], ["sales@example.org"])
    assert (await following.log_in("staple", "sales@example.org*bob")).user_name == "bob"
    assert not (await following.log_in("martini", "sales@example.org*cid")).ok
    report = await sync(following)
    assert (report.groups, report.groups_added, report.joined, report.left, list(report.skipped)) == (1, 0, 0, 0, [])


async def test_members_follow_and_keep_their_identity(following: Running, slapd: Slapd) -> None:
    slapd.set_members("sales", "bob", "cid")
    report = await sync(following)
    assert (report.joined, report.left) == (1, 1)
    assert await groups(following) == {"sales": ["bob", "cid"]}
    slapd.rename("bob", "robert")  # without a change in the group, which names nobody there any more
    slapd.set_members("sales", "robert", "cid")
    slapd.rename_group("sales", "selling")
    report = await sync(following)
    assert (report.joined, report.left, report.groups_added, report.groups_missing) == (0, 0, 0, 0)
    assert await groups(following) == {"selling": ["bob", "cid"]}
    assert (await following.log_in("staple", "sales@example.org*bob")).ok


async def test_groups_of_every_kind_and_groups_in_groups(following: Running, slapd: Slapd) -> None:
    slapd.add_group("unix", "ann", "nobody", kind="posixGroup")
    slapd.add_group("unique", "cid", kind="groupOfUniqueNames")
    slapd.add_group("all", "cn=sales", "cn=unique", "cn=all")
    slapd.add_group("lost", "stranger")
    await sync(following)
    expected = {"all": ["ann", "bob", "cid"], "lost": [], "sales": ["ann", "bob"], "unique": ["cid"], "unix": ["ann"]}
    assert await groups(following) == expected
    slapd.set_members("sales", "cn=all", "bob")
    await sync(following)
    assert await groups(following) == {**expected, "all": ["bob", "cid"], "sales": ["bob", "cid"]}


async def test_a_group_that_vanishes_is_emptied_and_comes_back(following: Running, slapd: Slapd) -> None:
    slapd.remove_group("sales")
    dry = await sync(following, dry_run=True)
    assert (dry.groups_missing, dry.left) == (1, 2)
    assert await groups(following) == {"sales": ["ann", "bob"]}
    await sync(following)
    assert await groups(following) == {"sales": []}
    assert not (await following.log_in("horse", "sales@example.org*ann")).ok
    slapd.add_group("sales", "ann")  # another group: it has another entryUUID
    report = await sync(following)
    assert await groups(following) == {"sales": []}
    assert any("the group sales" in text and "there already" in text for text in report.skipped)


async def test_unusually_many_who_leave_change_nothing_until_an_operator_says_so(
    following: Running, slapd: Slapd
) -> None:
    names = [f"extra{number}" for number in range(8)]
    for name in names:
        slapd.add(name, "password")
    slapd.set_members("sales", "ann", *names)
    await sync(following)
    slapd.set_members("sales", "ann")
    slapd.change("cid", displayName="Cid")
    report = await sync(following)
    assert "8 of their members are missing" in report.problem
    assert len((await groups(following))["sales"]) == 9
    assert (await following.stub.ShowUser(pb.NameRequest(name="cid"))).display_name == ""
    await sync(following, accept_missing=True)
    assert await groups(following) == {"sales": ["ann"]}


async def test_a_reading_without_groups_changes_nothing(following: Running, slapd: Slapd) -> None:
    slapd.stop()
    with pytest.raises(NotNow):
        await sync(following)
    assert await groups(following) == {"sales": ["ann", "bob"]}


async def test_a_followed_group_is_not_changed_by_hand(following: Running) -> None:
    stub = GroupsStub(following.channel("operator"))
    members = groups_pb2.MembersRequest(group="sales", users=["cid"])
    for call in (
        stub.JoinGroup(members),
        stub.LeaveGroup(groups_pb2.MembersRequest(group="sales", users=["ann"])),
        stub.RenameGroup(groups_pb2.RenameGroupRequest(name="sales", new_name="other")),
        stub.RemoveGroup(pb.NameRequest(name="sales")),
    ):
        with pytest.raises(Invalid, match="a group of the LDAP directory: change it there, or"):
            await call
    ldap = LdapStub(following.channel("operator"))
    assert (await ldap.UnlinkLdapGroup(ldap_pb2.UnlinkLdapGroupRequest(group="Sales"))).group == "sales"
    with pytest.raises(NotFound, match="not a group of the LDAP directory"):
        await ldap.UnlinkLdapGroup(ldap_pb2.UnlinkLdapGroupRequest(group="sales"))
    await stub.JoinGroup(members)
    report = await sync(following)
    assert any("the group sales" in text for text in report.skipped)
    assert await groups(following) == {"sales": ["ann", "bob", "cid"]}


async def test_names_and_languages_follow(following: Running, slapd: Slapd) -> None:
    slapd.change("ann", displayName="Ann Lee", preferredLanguage="pt-br, en;q=0.5")
    await sync(following)
    ann = await following.stub.ShowUser(pb.NameRequest(name="ann"))
    assert (ann.display_name, ann.language) == ("Ann Lee", "pt-BR")
    slapd.change("ann", displayName="Ann Smith", preferredLanguage="")
    await sync(following)
    ann = await following.stub.ShowUser(pb.NameRequest(name="ann"))
    assert (ann.display_name, ann.language) == ("Ann Smith", "pt-BR")
    slapd.change("ann", displayName="x" * 300)
    report = await sync(following)
    assert any(text.startswith("ann: a display name has at most") for text in report.skipped)


async def test_who_is_disabled_there_is_disabled_at_once(following: Running, slapd: Slapd) -> None:
    slapd.change("bob", employeeType="disabled")
    with pytest.raises(NotNow):  # before the next reading, the answer is not a wrong password
        await following.log_in("staple", "bob@example.org")
    assert (await sync(following)).disabled == 1
    assert (await users(following))["bob"][0]
    assert (await following.log_in("staple", "bob@example.org")).refusal == "bad-credentials"
    assert (await groups(following))["sales"] == ["ann", "bob"]
    slapd.change("bob", employeeType="")
    await sync(following)
    assert (await following.log_in("staple", "bob@example.org")).ok
    await following.stub.ChangeUser(pb.ChangeUserRequest(name="bob", disabled=True))
    await sync(following)
    assert (await users(following))["bob"][0], "an operator disabled the user"


async def test_a_password_set_here_takes_a_member_out(following: Running, slapd: Slapd) -> None:
    await following.stub.ChangeUser(pb.ChangeUserRequest(name="ann", password="correct horse"))
    await sync(following)
    assert await groups(following) == {"sales": ["bob"]}
