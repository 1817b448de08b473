"""Histories and reverts of groups, lists, applications, relays, grants, lists of senders and removed domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.grpc.errors import AlreadyExists, Invalid, NotFound, NotNow
from shared.rpc.mailfold.directory.v1 import (
    archives_pb2,
    blocking_pb2,
    credentials_pb2,
    groups_pb2,
    lists_pb2,
    moderators_pb2,
    sendas_pb2,
)
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingStub
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsStub
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsStub
from shared.rpc.mailfold.directory.v1.sendas_pb2_grpc import SendAsStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_bulk import (
    exported,
    history_of,
    import_file,
    revert,
    revert_command,
    written,
)

LIST = "all@example.org"
Name = pb.NameRequest


async def last(running: Running, kind: str, name: str, type_name: str) -> Any:
    """The newest change of a type."""
    return [change for change in await history_of(running, kind, name) if change.type == type_name][-1]


async def undo(running: Running, kind: str, name: str, type_name: str) -> Any:
    """Revert the newest change of a type; returns it."""
    change = await last(running, kind, name, type_name)
    await revert(running, change)
    return change


async def with_bob(running: Running) -> None:
    await running.stub.AddUser(pb.AddUserRequest(name="bob", password="correct horse"))
    await running.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="bob"))


async def test_changes_of_groups(people: Running) -> None:
    await with_bob(people)
    groups = GroupsStub(people.channel("operator"))

    async def members(name: str) -> list[str]:
        return list((await groups.ShowGroup(Name(name=name))).members)

    await groups.AddGroup(groups_pb2.AddGroupRequest(name="team", users=["ann"]))
    await groups.JoinGroup(groups_pb2.MembersRequest(group="team", users=["bob"]))
    await groups.RenameGroup(groups_pb2.RenameGroupRequest(name="team", new_name="crew"))
    joined = [change for change in await history_of(people, "group", "team") if change.type == "group.joined"]
    assert [change.after["members"] for change in joined] == ["ann", "bob"]
    await undo(people, "group", "crew", "group.renamed")
    await undo(people, "group", "team", "group.joined")
    assert await members("team") == ["ann"]
    left = await undo(people, "group", "team", "group.left")
    assert (left.before["members"], await members("team")) == ("bob", ["ann", "bob"])
    added = await last(people, "group", "team", "group.added")
    with pytest.raises(NotNow, match="it was changed since"):
        await revert(people, added)

    await groups.RemoveGroup(Name(name="team"))
    removed = await last(people, "group", "team", "group.removed")
    assert removed.before["members"] == "ann, bob"
    await revert(people, removed)
    assert await members("team") == ["ann", "bob"]
    await groups.RemoveGroup(Name(name="team"))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="Team"))
    with pytest.raises(AlreadyExists, match="is there already"):
        await undo(people, "group", "team", "group.removed")


async def test_changes_of_lists_and_their_members(people: Running) -> None:
    await with_bob(people)
    lists = ListsStub(people.channel("operator"))
    named = lists_pb2.ListRequested(name=LIST)

    async def members() -> dict[str, bool]:
        page = await lists.ListMembers(lists_pb2.ListMembersPageRequest(name=LIST))
        return {member.address: member.paused for member in page.members}

    await lists.AddList(lists_pb2.AddListRequest(address=LIST, owners=["ann@example.org"]))
    everybody = ["bob@example.org", "x@elsewhere.example", "y@elsewhere.example"]
    await lists.JoinList(lists_pb2.ListMembersRequest(name=LIST, members=everybody))
    await lists.SwitchMember(lists_pb2.SwitchMemberRequest(name=LIST, member="y@elsewhere.example", paused=True))
    await lists.ChangeList(lists_pb2.ChangeListRequest(name=LIST, description="All"))
    await lists.ChangeList(lists_pb2.ChangeListRequest(name=LIST, members_only=False))
    described, _ = [change for change in await history_of(people, "list", LIST) if change.type == "list.changed"]
    await revert(people, described)
    shown = await lists.ShowList(named)
    assert (shown.description, shown.members_only) == ("", False), "the later change of another value stays"
    moderators, moderate = ModeratorsStub(people.channel("operator")), moderators_pb2.SetModerationRequest
    ann = moderators_pb2.ListOfModerators(moderators=["ann@example.org"])
    await moderators.SetModeration(moderate(name=LIST, moderate="all", moderators=ann))
    await moderators.SetModeration(moderate(name=LIST, days=3))
    await undo(people, "list", LIST, "list.moderation_set")
    moderated = await moderators.ShowModeration(moderators_pb2.ModerationRequested(name=LIST))
    assert (moderated.moderate, list(moderated.moderators), moderated.days) == ("all", ["ann@example.org"], 7)
    await lists.LeaveList(lists_pb2.ListMembersRequest(name=LIST, members=["x@elsewhere.example"]))
    assert (await undo(people, "list", LIST, "list.members_left")).before["members"] == "x@elsewhere.example"
    assert sorted(await members()) == everybody
    await lists.ChangeList(
        lists_pb2.ChangeListRequest(name=LIST, owners=lists_pb2.ListOwners(owners=["bob@example.org"]))
    )
    await undo(people, "list", LIST, "list.owners_changed")
    assert list((await lists.ShowList(named)).owners) == ["ann@example.org"]

    await people.remove_account("bob@example.org")
    await people.stub.AddUser(pb.AddUserRequest(name="other", password="correct horse"))
    await people.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="other"))
    await lists.RemoveList(named)
    await undo(people, "list", LIST, "list.removed")
    assert await members() == {"x@elsewhere.example": False, "y@elsewhere.example": True}, (
        "nobody inherits a membership"
    )
    shown = await lists.ShowList(named)
    assert (list(shown.owners), shown.members_only) == (["ann@example.org"], False)
    again = await moderators.ShowModeration(moderators_pb2.ModerationRequested(name=LIST))
    assert (again.moderate, again.moderators, again.days) == (moderated.moderate, moderated.moderators, moderated.days)
    await lists.RemoveList(named)
    await people.stub.AddAlias(pb.AddAliasRequest(address=LIST, targets=["ann@example.org"]))
    with pytest.raises(AlreadyExists, match="it is an alias"):
        await undo(people, "list", LIST, "list.removed")


async def test_changes_of_applications(people: Running) -> None:
    stub, name = CredentialsStub(people.channel("operator")), "shop.app@example.org"
    await stub.AddApplication(credentials_pb2.AddApplicationRequest(address=name))
    await stub.ChangeApplication(credentials_pb2.ChangeApplicationRequest(name=name, receives=True, mails_an_hour=5))
    await stub.RenameApplication(credentials_pb2.RenameApplicationRequest(name=name, address="till.app@example.org"))
    await undo(people, "application", name, "account.application_renamed")
    await undo(people, "application", name, "account.application_limited")
    await undo(people, "application", name, "account.application_receiving_switched")
    shown = await stub.ShowApplication(credentials_pb2.ApplicationRequest(name=name))
    assert (shown.receives, shown.mails_an_hour) == (False, 0)
    await stub.RenewApplicationPassword(credentials_pb2.ApplicationRequest(name=name))
    with pytest.raises(Invalid, match="may be known to others"):
        await undo(people, "application", name, "account.application_password_changed")
    added = await last(people, "application", name, "account.application_added")
    with pytest.raises(NotNow, match="it was changed since"):
        await revert(people, added)
    remove = archives_pb2.RemoveAccountRequest
    await people.archives.RemoveAccount(remove(account=name, fate=remove.ARCHIVE))
    with pytest.raises(Invalid, match="with a new password"):
        await undo(people, "application", name, "account.application_removed")
    with pytest.raises(NotFound, match="never was a change"):
        await history_of(people, "application", "ann@example.org")


async def test_changes_of_relays(people: Running) -> None:
    async def relay() -> Any:
        return await people.stub.ShowRelay(Name(name="example.org"))

    def given(host: str, password: str) -> Any:
        log_in = {"user": "u", "password": password} if password else {}
        return pb.SetRelayRequest(domain="example.org", preset="smarthost", host=host, **log_in)

    await people.stub.SetRelay(given("first.example", "the first secret"))
    await people.stub.SetRelay(given("second.example", ""))
    first, second = await history_of(people, "relay", "example.org")
    assert (second.before["host"], second.before["password"]) == ("first.example", "********")
    with pytest.raises(NotNow, match="changed since"):
        await revert(people, first)
    await people.stub.RekeySecrets(pb.ListRequest())
    await revert(people, second)
    assert ((await relay()).host, (await relay()).user) == ("first.example", "u")
    await people.stub.RemoveRelay(Name(name="example.org"))
    await undo(people, "relay", "example.org", "relay.removed")
    assert (await relay()).host == "first.example"
    await people.stub.RekeySecrets(pb.ListRequest())
    await people.stub.SetRelay(given("third.example", ""))
    await people.stub.RekeySecrets(pb.ListRequest())
    await people.stub.DropSecretKeys(pb.ListRequest())
    with pytest.raises(Invalid, match="decrypted by no key any more"):
        await undo(people, "relay", "example.org", "relay.set")


async def test_grants_and_lists_of_senders(people: Running) -> None:
    await with_bob(people)
    grants, blocking = SendAsStub(people.channel("operator")), BlockingStub(people.channel("operator"))
    grant = sendas_pb2.SendAsRequest(user="bob", address="ann@example.org")
    await grants.GrantSendAs(grant)
    granted = await undo(people, "user", "bob", "sendas.granted")
    assert granted.after["may send as"] == "ann@example.org"
    await undo(people, "user", "bob", "sendas.revoked")
    with pytest.raises(AlreadyExists, match="has this right again"):
        await undo(people, "user", "bob", "sendas.revoked")

    entries = blocking_pb2.BlockingEntriesRequest
    await blocking.AddEntries(entries(list="block", patterns=["x@x.example", "192.0.2.0/24"]))
    await blocking.RemoveEntries(entries(list="block", patterns=["x@x.example"]))
    await undo(people, "senders", "server", "blocking.entries_removed")
    listed = blocking_pb2.ListBlockingRequest(list="block")
    assert list((await blocking.ListEntries(listed)).patterns) == ["192.0.2.0/24", "x@x.example"]
    first, *_ = await history_of(people, "senders", "server")
    await revert(people, first)
    assert list((await blocking.ListEntries(listed)).patterns) == []
    with pytest.raises(NotFound, match="none of them is on the list"):
        await revert(people, first)


async def test_a_removed_domain_comes_back_whole(people: Running) -> None:
    stub = people.stub
    await stub.AddDomain(pb.AddDomainRequest(name="b.example", incoming=True))
    await stub.SetDomainValue(pb.DomainValueRequest(name="b.example", value_name="separators", value="-"))
    await stub.SetDomainValue(pb.DomainValueRequest(name="b.example", value_name="catch_all", value="ann@example.org"))
    await stub.SetRelay(pb.SetRelayRequest(domain="b.example", preset="smarthost", host="relay.example"))
    domain, keys = await stub.ShowDomain(Name(name="b.example")), await stub.ShowDkim(Name(name="b.example"))
    await stub.RemoveDomain(Name(name="b.example"))
    await undo(people, "domain", "b.example", "domain.removed")
    assert await stub.ShowDomain(Name(name="b.example")) == domain
    again = await stub.ShowDkim(Name(name="b.example"))
    assert [(key.selector, key.record, key.state) for key in again.keys] == [
        (key.selector, key.record, key.state) for key in keys.keys
    ]
    assert (await stub.ShowRelay(Name(name="b.example"))).host == "relay.example"
    assert [change.type for change in await history_of(people, "key", "b.example")] == ["dkim.key_added"] * 4

    await stub.RemoveDomain(Name(name="b.example"))
    await people.remove_account("ann@example.org")
    with pytest.raises(NotFound, match=r"its catch-all led to ann@example\.org"):
        await undo(people, "domain", "b.example", "domain.removed")
    await stub.AddDomain(pb.AddDomainRequest(name="b.example"))
    with pytest.raises(AlreadyExists, match="is there already"):
        await undo(people, "domain", "b.example", "domain.removed")


async def test_an_alias_does_not_lead_to_another_holder_of_its_target(people: Running) -> None:
    await with_bob(people)
    await people.stub.AddAlias(pb.AddAliasRequest(address="x@example.org", targets=["bob@example.org"]))
    await people.stub.RemoveAlias(Name(name="x@example.org"))
    await people.remove_account("bob@example.org")
    await people.stub.AddAccount(pb.AddAccountRequest(address="bob@example.org", user="ann"))
    with pytest.raises(NotFound, match=r"bob@example\.org was removed since"):
        await undo(people, "alias", "x@example.org", "alias.removed")


async def test_a_whole_import_of_every_kind_is_undone(people: Running, tmp_path: Path) -> None:
    before = await exported(people)
    lines: tuple[dict[str, Any], ...] = (
        {"kind": "domain", "name": "a.example", "incoming": True},
        {"kind": "user", "name": "eve", "display_name": "Eve Example"},
        {"kind": "group", "name": "team", "members": ["eve", "ann"]},
        {"kind": "account", "address": "team@a.example", "group": "team", "quota_messages": 9},
        {"kind": "application", "address": "shop.app@a.example", "receives": True},
        {"kind": "alias", "address": "x@a.example", "targets": ["group:team"], "disabled": True},
        {"kind": "list", "address": "all@a.example", "owners": ["team@a.example"], "members_only": False},
        {"kind": "members", "list": "all@a.example", "members": ["team@a.example", "group:team"], "paused": True},
        {"kind": "value", "domain": "a.example", "name": "separators", "value": "-"},
        {"kind": "signature", "domain": "a.example", "text": "{name}"},
        {"kind": "field", "user": "eve", "name": "phone", "value": "1"},
        {"kind": "grant", "user": "eve", "address": "ann@example.org"},
        {"kind": "senders", "list": "block", "patterns": ["*@x.example"]},
        {"kind": "senders", "list": "allow", "patterns": ["y@x.example"], "address": "team@a.example"},
        {"kind": "relay", "domain": "a.example", "preset": "smarthost", "host": "relay.example", "tls": "none"},
    )
    log_in = {"kind": "relay", "preset": "smarthost", "host": "relay.example", "user": "u"}
    report = await import_file(people, written(tmp_path / "lines", *lines, log_in))
    assert report.added == len(lines)
    ((line, text),) = report.mistakes
    assert line == len(lines) + 1 and "wants the password of u" in text and "mailfold relay set default" in text
    tried = await revert_command(people, report.id, trial=True)
    assert tried[1] == []
    assert await revert_command(people, report.id) == tried
    assert await exported(people) == before


async def test_what_is_needed_since_stays_and_the_dry_run_says_so(people: Running, tmp_path: Path) -> None:
    lines = (
        {"kind": "group", "name": "team"},
        {"kind": "list", "address": LIST, "owners": ["ann@example.org"]},
        {"kind": "members", "list": LIST, "members": ["x@elsewhere.example"]},
    )
    report = await import_file(people, written(tmp_path / "lines", *lines))
    await people.stub.AddAccount(pb.AddAccountRequest(address="team@example.org", group="team"))
    lists = ListsStub(people.channel("operator"))
    await lists.JoinList(lists_pb2.ListMembersRequest(name=LIST, members=["hand@elsewhere.example"]))
    before = await exported(people)
    tried = await revert_command(people, report.id, trial=True)
    assert await exported(people) == before
    reverted, reasons = tried
    assert reverted == 0 and len(reasons) == 2
    assert any("team still owns team@example.org" in reason for reason in reasons)
    assert any("it was changed since" in reason for reason in reasons)
    assert await revert_command(people, report.id) == tried
