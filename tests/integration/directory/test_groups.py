"""Groups: their members, their accounts, log-ins of members, and aliases that lead to members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.directory.adapters.passwords import PasswordHasher
from services.directory.domain.groups import MEMBER_LIMIT
from services.directory.handlers.book import book_events
from shared.grpc.errors import AlreadyExists, Denied, Invalid, NotFound, NotNow
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import groups_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from tests.integration.directory.conftest import Running

SALES = "sales@example.org"
PASSWORDS = {"ann": "correct horse", "bob": "battery staple", "cid": "shaken martini", "dan": "purple monkey"}


@pytest.fixture
def groups(people: Running) -> Any:
    return GroupsStub(people.channel("operator"))


@pytest.fixture
async def sales(people: Running, groups: Any) -> Running:
    """The group sales with ann and bob, and its account."""
    for name in ("bob", "cid", "dan"):
        await people.stub.AddUser(pb.AddUserRequest(name=name, password=PASSWORDS[name]))
        await people.stub.AddAccount(pb.AddAccountRequest(address=f"{name}@example.org", user=name))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="Sales", users=["ann", "bob"]))
    await people.stub.AddAccount(pb.AddAccountRequest(address=SALES, group="sales"))
    return people


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hashes that were compared with a password, in order."""
    compared: list[str] = []
    fits = PasswordHasher._fits

    def counted(hasher: PasswordHasher, stored: str, password: str) -> bool:
        compared.append(stored)
        return fits(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "_fits", counted)
    return compared


async def opens(running: Running, login: str, password: str, authorization: str = "") -> str:
    """The name of the user who got in, or the reason of the refusal."""
    request = pb.AuthenticateRequest(
        login=login, password=password, protocol="imap", address="192.0.2.1", authorization=authorization
    )
    identity = await running.stub.Authenticate(request)
    assert identity.address in ("", SALES, "ann@example.org")
    return str(identity.user_name or identity.refusal)


async def sends(running: Running, user: str, address: str) -> bool:
    shown = await running.stub.ShowUser(pb.NameRequest(name=user))
    return not (await running.stub.MaySendAs(pb.MaySendAsRequest(user=shown.id, addresses=[address]))).refused


async def targets(running: Running, address: str) -> list[str]:
    resolution = await running.stub.Resolve(pb.ResolveRequest(address=address))
    return sorted(target.address for target in resolution.targets)


async def test_members_open_the_account_with_their_own_passwords(sales: Running, hashes: list[str]) -> None:
    for name in ("ann", "bob"):
        assert await opens(sales, SALES, PASSWORDS[name]) == name
    assert len(hashes) == 4
    assert [await opens(sales, SALES, PASSWORDS[name]) for name in ("ann", "bob")] == ["ann", "bob"]
    assert len(hashes) == 4, "log-ins that were verified a moment ago are not hashed again"
    assert await opens(sales, SALES, PASSWORDS["cid"]) == "bad-credentials"


@pytest.mark.parametrize(
    ("login", "authorization"),
    [
        (f"{SALES}*bob", ""),
        (f"{SALES}*BOB", ""),
        (f"{SALES}*bob@example.org", ""),
        ("bob", SALES),
        ("bob@example.org", SALES),
    ],
)
async def test_a_named_member_is_the_only_one_that_is_tried(
    sales: Running, hashes: list[str], login: str, authorization: str
) -> None:
    assert await opens(sales, login, PASSWORDS["ann"], authorization) == "bad-credentials"
    assert await opens(sales, login, PASSWORDS["bob"], authorization) == "bob"
    assert len(hashes) == 2 and len(set(hashes)) == 1


@pytest.mark.parametrize(
    ("login", "authorization"),
    [
        (f"{SALES}*cid", ""),
        ("cid", SALES),
        ("cid", "ann@example.org"),
        ("ann@example.org*cid", ""),
        ("ann@example.org*", ""),
        ("nobody", SALES),
        ("ann", "nobody@example.org"),
        ("ann", ""),
        (f"*{SALES}", ""),
    ],
)
async def test_others_are_refused_and_cost_one_hash(
    sales: Running, hashes: list[str], login: str, authorization: str
) -> None:
    for password in (PASSWORDS["cid"], PASSWORDS["ann"]):
        assert await opens(sales, login, password, authorization) == "bad-credentials"
    assert len(hashes) == 2 and len(set(hashes)) == 1, "the hash of nobody, once for each password"


async def test_the_owner_of_an_account_may_be_named_too(sales: Running) -> None:
    assert await opens(sales, "ann@example.org*ann", PASSWORDS["ann"]) == "ann"
    assert await opens(sales, "ann", PASSWORDS["ann"], "ann@example.org") == "ann"
    assert await opens(sales, "ann@example.org", PASSWORDS["ann"], "ann@example.org") == "ann"


async def test_in_a_larger_group_the_member_must_be_named(sales: Running, groups: Any, hashes: list[str]) -> None:
    await groups.JoinGroup(groups_pb2.MembersRequest(group="sales", users=["cid"]))
    assert await opens(sales, SALES, PASSWORDS["cid"]) == "cid"
    await groups.JoinGroup(groups_pb2.MembersRequest(group="sales", users=["dan"]))
    del hashes[:]
    assert await opens(sales, SALES, PASSWORDS["ann"]) == "member-not-named"
    assert len(hashes) == 1
    assert await opens(sales, f"{SALES}*ann", PASSWORDS["ann"]) == "ann"
    await sales.stub.ChangeUser(pb.ChangeUserRequest(name="dan", disabled=True))
    assert await opens(sales, SALES, PASSWORDS["ann"]) == "ann"
    assert await opens(sales, f"{SALES}*dan", PASSWORDS["dan"]) == "disabled"
    assert await opens(sales, SALES, PASSWORDS["dan"]) == "bad-credentials"


async def test_two_members_with_one_password_must_be_named(sales: Running) -> None:
    await sales.stub.ChangeUser(pb.ChangeUserRequest(name="bob", password=PASSWORDS["ann"]))
    assert await opens(sales, SALES, PASSWORDS["ann"]) == "member-not-named"
    assert await opens(sales, f"{SALES}*bob", PASSWORDS["ann"]) == "bob"


async def test_who_leaves_or_is_disabled_neither_opens_nor_sends(sales: Running, groups: Any) -> None:
    assert await sends(sales, "ann", SALES) and await sends(sales, "bob", f"sales+x@{'example.org'}")
    assert not await sends(sales, "cid", SALES)
    assert await opens(sales, SALES, PASSWORDS["ann"]) == "ann"
    await groups.LeaveGroup(groups_pb2.MembersRequest(group="sales", users=["ann"]))
    assert await opens(sales, SALES, PASSWORDS["ann"]) == "bad-credentials"
    assert await opens(sales, f"{SALES}*ann", PASSWORDS["ann"]) == "bad-credentials"
    assert not await sends(sales, "ann", SALES)
    assert await opens(sales, SALES, PASSWORDS["bob"]) == "bob"
    await sales.stub.ChangeUser(pb.ChangeUserRequest(name="bob", disabled=True))
    assert await opens(sales, SALES, PASSWORDS["bob"]) == "bad-credentials"
    assert await opens(sales, f"{SALES}*bob", PASSWORDS["bob"]) == "disabled"


async def test_the_events_name_the_member(sales: Running, events_of: Callable[[Running], Any]) -> None:
    assert await opens(sales, f"{SALES}*bob", PASSWORDS["bob"]) == "bob"
    bob = (await sales.stub.ShowUser(pb.NameRequest(name="bob"))).id
    account = (await sales.stub.ShowAccount(pb.NameRequest(name=SALES))).id
    await sales.restart()
    logins = [entry.event for name, entry in await events_of(sales) if name == "login.succeeded"]
    assert (bob, account) in {(login.user, login.account) for login in logins}


async def test_a_group_goes_only_when_nothing_refers_to_it(sales: Running, groups: Any) -> None:
    await sales.stub.AddAlias(pb.AddAliasRequest(address="team@example.org", targets=["group:sales"]))
    with pytest.raises(NotNow, match=SALES):
        await groups.RemoveGroup(pb.NameRequest(name="sales"))
    await sales.remove_account(SALES)
    with pytest.raises(NotNow, match=r"team@example\.org"):
        await groups.RemoveGroup(pb.NameRequest(name="sales"))
    await sales.stub.RemoveAlias(pb.NameRequest(name="team@example.org"))
    first = await groups.ShowGroup(pb.NameRequest(name="sales"))
    assert (await groups.RemoveGroup(pb.NameRequest(name="sales"))).name == "Sales"
    again = await groups.AddGroup(groups_pb2.AddGroupRequest(name="sales"))
    assert again.id != first.id and not again.members
    assert not (await sales.stub.ShowUser(pb.NameRequest(name="ann"))).groups


async def test_an_alias_leads_to_the_members_of_a_group_by_its_id(sales: Running, groups: Any) -> None:
    added = await sales.stub.AddAlias(
        pb.AddAliasRequest(address="team@example.org", targets=["group:sales", "dan@example.org"])
    )
    assert added.targets == ["dan@example.org", "group:Sales"]
    assert await targets(sales, "team@example.org") == ["ann@example.org", "bob@example.org", "dan@example.org"]
    await groups.RenameGroup(groups_pb2.RenameGroupRequest(name="sales", new_name="Traders"))
    await groups.JoinGroup(groups_pb2.MembersRequest(group="traders", users=["cid"]))
    await groups.LeaveGroup(groups_pb2.MembersRequest(group="traders", users=["ann"]))
    assert (await groups.ShowGroup(pb.NameRequest(name="traders"))).aliases == ["team@example.org"]
    listed = (await sales.stub.ListAliases(pb.ListRequest())).aliases
    assert [list(alias.targets) for alias in listed] == [["dan@example.org", "group:Traders"]]
    await sales.stub.ChangeAccount(pb.ChangeAccountRequest(address="cid@example.org", disabled=True))
    assert await targets(sales, "team@example.org") == ["bob@example.org", "dan@example.org"]
    for user in ("bob", "dan", "cid"):
        assert not await sends(sales, user, "team@example.org")
    way = await sales.stub.ExplainAddress(pb.ResolveRequest(address="team@example.org"))
    assert ("group:Traders", 1) in {(step.address, step.depth) for step in way.steps}
    copied = AddressBook()
    async for page in book_events(sales.store):
        for event in page:
            copied.apply(event)
    assert {target.address for target in copied.resolve(parse_address("team@example.org")).targets} == {
        "bob@example.org",
        "dan@example.org",
    }
    await sales.restart()
    assert await targets(sales, "team@example.org") == ["bob@example.org", "dan@example.org"]


async def test_the_members_of_a_removed_user_are_fewer(
    sales: Running, groups: Any, events_of: Callable[[Running], Any]
) -> None:
    await sales.remove_account("bob@example.org")
    bob = (await sales.stub.ShowUser(pb.NameRequest(name="bob"))).id
    await sales.stub.RemoveUser(pb.NameRequest(name="bob"))
    assert (await groups.ShowGroup(pb.NameRequest(name="sales"))).members == ["ann"]
    assert "group.left" in [name for name, entry in await events_of(sales) if getattr(entry.event, "user", "") == bob]
    await sales.stub.AddUser(pb.AddUserRequest(name="bob", password=PASSWORDS["bob"]))
    assert await opens(sales, f"{SALES}*bob", PASSWORDS["bob"]) == "bad-credentials"


async def test_what_a_group_cannot_be(sales: Running, groups: Any) -> None:
    with pytest.raises(AlreadyExists, match="Sales"):
        await groups.AddGroup(groups_pb2.AddGroupRequest(name="SALES"))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="other"))
    with pytest.raises(AlreadyExists, match="Sales"):
        await groups.RenameGroup(groups_pb2.RenameGroupRequest(name="other", new_name="sales"))
    with pytest.raises(NotFound, match="nobody"):
        await groups.JoinGroup(groups_pb2.MembersRequest(group="sales", users=["nobody"]))
    with pytest.raises(NotFound, match="cid is not a member"):
        await groups.LeaveGroup(groups_pb2.MembersRequest(group="sales", users=["cid"]))
    with pytest.raises(Invalid, match=str(MEMBER_LIMIT)):
        await groups.JoinGroup(groups_pb2.MembersRequest(group="sales", users=["ann"] * (MEMBER_LIMIT + 1)))
    with pytest.raises(Invalid, match="a user or to a group"):
        await sales.stub.AddAccount(pb.AddAccountRequest(address="x@example.org", user="ann", group="sales"))
    with pytest.raises(NotFound, match="no group nothing"):
        await sales.stub.AddAlias(pb.AddAliasRequest(address="team@example.org", targets=["group:nothing"]))
    many = [f"group:{number}" for number in range(21)]
    with pytest.raises(Invalid, match="at most 20 groups"):
        await sales.stub.AddAlias(pb.AddAliasRequest(address="team@example.org", targets=many))
    assert [group.name for group in (await groups.ListGroups(pb.ListRequest())).groups] == ["other", "Sales"]


async def test_a_profile_is_shown_and_checked(people: Running, groups: Any) -> None:
    changed = await groups.SetProfile(
        groups_pb2.SetProfileRequest(
            user="ann", display_name=" Ann  Lee ", language="PT_br", time_zone="America/Sao_Paulo"
        )
    )
    assert (changed.display_name, changed.language, changed.time_zone) == ("Ann Lee", "pt-BR", "America/Sao_Paulo")
    await groups.SetProfile(groups_pb2.SetProfileRequest(user="ann", language=""))
    shown = await people.stub.ShowUser(pb.NameRequest(name="ann"))
    assert (shown.display_name, shown.language, shown.time_zone) == ("Ann Lee", "", "America/Sao_Paulo")
    for wrong in (
        groups_pb2.SetProfileRequest(user="ann", language="german!"),
        groups_pb2.SetProfileRequest(user="ann", time_zone="Europe/Nowhere"),
        groups_pb2.SetProfileRequest(user="ann", time_zone="../../etc/passwd"),
        groups_pb2.SetProfileRequest(user="ann", display_name="x" * 201),
        groups_pb2.SetProfileRequest(user="ann", display_name="a\x1bb"),
    ):
        with pytest.raises(Invalid):
            await groups.SetProfile(wrong)


async def test_only_the_operator_changes_groups(people: Running) -> None:
    for caller in ("ingress", "delivery"):
        with pytest.raises(Denied):
            await GroupsStub(people.channel(caller)).AddGroup(groups_pb2.AddGroupRequest(name="x"))
