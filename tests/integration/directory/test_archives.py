"""Accounts are archived, restored and deleted; what names them ends, moves or waits. Over the directory's socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from services.directory.domain.blocking import MOST_AT_ONCE
from shared.clock import SystemClock
from shared.grpc.errors import AlreadyExists, Invalid, NotFound, NotNow
from shared.protocol.address.address import parse_address
from shared.rpc.mailfold.directory.v1 import archives_pb2, blocking_pb2, groups_pb2, lists_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingStub
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_starts_of_copies import book

ANN, BOB = "ann@example.org", "bob@example.org"
Remove = archives_pb2.RemoveAccountRequest
ENDED, KEPT, MOVED = Remove.END, Remove.KEEP, Remove.MOVE
SECONDS_OF_A_DAY = 86_400


@pytest.fixture
async def named(people: Running) -> Running:
    """Ann and bob; three aliases and the catch-all name ann, one of them alone."""
    await people.stub.AddAccount(pb.AddAccountRequest(address=BOB, user="ann"))
    for alias, targets in {
        "info": [ANN, BOB],
        "only": [ANN],
        "tagged": ["ann+shop@example.org", BOB],
        "others": ["anna@elsewhere.example", BOB],
    }.items():
        await people.stub.AddAlias(pb.AddAliasRequest(address=f"{alias}@example.org", targets=targets))
    await people.stub.SetDomainValue(
        pb.DomainValueRequest(name="example.org", value_name="catch_all", value=f"{ANN} {BOB}")
    )
    return people


async def archived(running: Running, references: int = 0, name: str = ANN) -> Any:
    return await running.archives.RemoveAccount(Remove(account=name, fate=Remove.ARCHIVE, references=references))


async def targets(running: Running) -> dict[str, list[str]]:
    listed = (await running.stub.ListAliases(pb.ListRequest())).aliases
    return {alias.address.partition("@")[0]: list(alias.targets) for alias in listed}


async def catch_all(running: Running) -> str:
    return str((await running.stub.ShowDomain(pb.NameRequest(name="example.org"))).values.get("catch_all", ""))


async def accounts_of(running: Running, address: str) -> list[str]:
    return [target.address for target in (await running.stub.Resolve(pb.ResolveRequest(address=address))).targets]


async def is_clean(running: Running) -> bool:
    stub = OwnerStub(running.channel("operator"))
    results = [step async for step in stub.Verify(owner_pb2.VerifyRequest())]
    return not results[-1].different


async def test_an_archive_is_listed_and_its_address_is_reserved(people: Running) -> None:
    account = await people.stub.ShowAccount(pb.NameRequest(name=ANN))
    removed = await archived(people)
    assert (removed.id, removed.address, removed.is_archived) == (account.id, ANN, True)
    (listed,) = (await people.archives.ListArchives(archives_pb2.ListArchivesRequest())).archives
    assert (listed.id, listed.address, listed.user, listed.quota_bytes) == (account.id, ANN, "ann", 1000)
    assert listed.reserved_until - listed.archived_at == 30 * SECONDS_OF_A_DAY * 1_000_000
    assert (await people.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=ANN))).id == account.id
    with pytest.raises(AlreadyExists, match=f"reserved for an archived account .*archive show {account.id}"):
        await people.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    with pytest.raises(AlreadyExists, match="archived account"):
        await people.stub.AddAlias(pb.AddAliasRequest(address=ANN, targets=["x@elsewhere.example"]))
    assert (await people.stub.Resolve(pb.ResolveRequest(address=ANN))).kind == pb.Resolution.UNKNOWN
    assert not (await people.log_in("correct horse")).ok
    await people.stub.RemoveUser(pb.NameRequest(name="ann"))
    assert (await people.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=ANN))).user == ""
    assert await is_clean(people)


async def test_a_removal_without_a_choice_is_refused(named: Running) -> None:
    with pytest.raises(Invalid, match="--archive"):
        await named.archives.RemoveAccount(Remove(account=ANN))
    with pytest.raises(NotNow, match=r"named by the alias info@example\.org, .* and the catch-all|catch-all"):
        await archived(named)
    with pytest.raises(Invalid, match="kept for an archive"):
        await named.archives.RemoveAccount(Remove(account=ANN, fate=Remove.DELETE, references=KEPT))
    with pytest.raises(NotFound):
        await archived(named, name="nobody@example.org")
    assert await accounts_of(named, ANN) == [ANN]
    shown = await named.archives.ListReferences(archives_pb2.ReferencesRequest(account=ANN))
    assert list(shown.aliases) == ["info@example.org", "only@example.org", "tagged@example.org"]
    assert list(shown.catch_alls) == ["example.org"]


async def test_references_end(named: Running) -> None:
    removed = await archived(named, ENDED)
    assert list(removed.references.aliases) == ["info@example.org", "only@example.org", "tagged@example.org"]
    assert await targets(named) == {"info": [BOB], "tagged": [BOB], "others": ["anna@elsewhere.example", BOB]}
    assert await catch_all(named) == BOB
    assert await is_clean(named)


async def test_memberships_of_lists_end_with_the_account(people: Running) -> None:
    lists = ListsStub(people.channel("operator"))
    await people.stub.AddAccount(pb.AddAccountRequest(address=BOB, user="ann"))
    await lists.AddList(lists_pb2.AddListRequest(address="all@example.org", owners=[ANN, BOB]))
    await lists.JoinList(lists_pb2.ListMembersRequest(name="all@example.org", members=[ANN, BOB]))
    removed = await archived(people)
    assert list(removed.references.lists) == ["all@example.org"]
    await people.archives.DeleteArchive(archives_pb2.ArchiveRequest(archive=ANN))
    await people.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    shown = await people.archives.ListReferences(archives_pb2.ReferencesRequest(account=ANN))
    assert shown == archives_pb2.References()
    assert await is_clean(people)


async def test_references_move_to_another_account(named: Running) -> None:
    for wrong, error in (("", Invalid), (ANN, Invalid), ("nobody@example.org", NotFound)):
        with pytest.raises(error):
            await named.archives.RemoveAccount(Remove(account=ANN, fate=Remove.DELETE, references=MOVED, move_to=wrong))
    await named.archives.RemoveAccount(Remove(account=ANN, fate=Remove.DELETE, references=MOVED, move_to=BOB))
    assert await targets(named) == {
        "info": [BOB],
        "only": [BOB],
        "tagged": [BOB],
        "others": ["anna@elsewhere.example", BOB],
    }
    assert await catch_all(named) == BOB


async def test_references_that_are_kept_are_the_archive_s(named: Running) -> None:
    before = await targets(named)
    identity = (await archived(named, KEPT)).id
    assert await targets(named) == before
    assert await accounts_of(named, "only@example.org") == [BOB]  # through the catch-all, which still has bob
    restored = await named.archives.RestoreArchive(
        archives_pb2.RestoreArchiveRequest(archive=identity, address="anna@example.org")
    )
    assert (restored.id, restored.address, restored.user, restored.quota_bytes) == (
        identity,
        "anna@example.org",
        "ann",
        1000,
    )
    assert (await targets(named))["only"] == ["anna@example.org"]
    assert await catch_all(named) == f"anna@example.org {BOB}"
    again = await named.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    assert again.id != identity
    assert await accounts_of(named, "only@example.org") == ["anna@example.org"]
    assert await is_clean(named)


async def test_a_restored_account_is_the_same_one(people: Running) -> None:
    identity = (await archived(people)).id
    await people.stub.RemoveUser(pb.NameRequest(name="ann"))
    await people.stub.AddUser(pb.AddUserRequest(name="carl", password="correct horse"))
    with pytest.raises(Invalid, match="--user"):
        await people.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=ANN))
    await people.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=ANN, user="carl"))
    shown = await people.stub.ShowAccount(pb.NameRequest(name=ANN))
    assert (shown.id, shown.user) == (identity, "carl")
    assert (await people.log_in("correct horse")).account == identity
    with pytest.raises(NotFound):
        await people.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=identity))
    await people.restart()
    assert await accounts_of(people, ANN) == [ANN]


async def test_an_account_of_a_group_is_restored_for_the_group(people: Running) -> None:
    groups = GroupsStub(people.channel("operator"))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="sales"))
    added = await people.stub.AddAccount(pb.AddAccountRequest(address=BOB, group="sales"))
    await archived(people, name=BOB)
    assert (await people.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=BOB))).user == "sales"
    restored = await people.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=BOB))
    assert restored.id == added.id
    shown = await people.stub.ShowAccount(pb.NameRequest(name=BOB))
    assert (shown.id, shown.group) == (added.id, "sales")


async def test_deletion_frees_the_address_and_a_new_holder_inherits_nothing(named: Running) -> None:
    identity = (await archived(named, KEPT)).id
    removed = await named.archives.DeleteArchive(archives_pb2.ArchiveRequest(archive=identity))
    assert (removed.id, removed.is_archived) == (identity, False)
    assert await targets(named) == {"info": [BOB], "tagged": [BOB], "others": ["anna@elsewhere.example", BOB]}
    await named.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    assert await accounts_of(named, "info@example.org") == [BOB]
    with pytest.raises(NotFound):
        await named.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=identity))
    assert await is_clean(named)


async def test_several_archives_of_an_address_are_named_by_their_ids(people: Running) -> None:
    await people.stub.SetDomainValue(pb.DomainValueRequest(name="example.org", value_name="separators", value="-"))
    first = (await archived(people)).id
    await people.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=first, address=BOB))
    await people.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    second = (await archived(people)).id
    await archived(people, name=BOB)
    page = await people.archives.ListArchives(archives_pb2.ListArchivesRequest(limit=1))
    assert ([archive.id for archive in page.archives], page.next) == ([first], first)
    page = await people.archives.ListArchives(archives_pb2.ListArchivesRequest(limit=1, after=page.next))
    assert [archive.id for archive in page.archives] == [second]


@pytest.mark.parametrize("environment", [{"MAILFOLD_DIRECTORY_ARCHIVE_DAYS": "0"}])
async def test_without_a_reservation_the_address_is_free_at_once(named: Running) -> None:
    identity = (await archived(named, KEPT)).id
    assert await targets(named) == {"info": [BOB], "tagged": [BOB], "others": ["anna@elsewhere.example", BOB]}
    new = await named.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    with pytest.raises(AlreadyExists):
        await named.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=identity))
    await archived(named, name=new.id)
    with pytest.raises(Invalid, match="several archives"):
        await named.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=ANN))


async def test_the_address_is_released_when_its_time_is_over(
    named: Running, events_of: Callable[[Running], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory is started with a clock that is 31 days ahead."""
    await archived(named, KEPT)
    await named.stop()
    ahead = 31 * SECONDS_OF_A_DAY * 1_000_000
    monkeypatch.setattr(SystemClock, "now", lambda _clock: time.time_ns() // 1000 + ahead)
    await named.start()
    async with asyncio.timeout(60):
        while (await named.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=ANN))).reserved_until:  # noqa: ASYNC110 -- the release is an event of another process
            await asyncio.sleep(0.05)
    assert await targets(named) == {"info": [BOB], "tagged": [BOB], "others": ["anna@elsewhere.example", BOB]}
    await named.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    assert "account.address_released" in [name for name, _ in await events_of(named)]
    assert await is_clean(named)


async def test_who_reads_an_archive_is_recorded(people: Running, events_of: Callable[[Running], Any]) -> None:
    await archived(people)
    with pytest.raises(Invalid, match="export"):
        await people.archives.OpenArchive(archives_pb2.OpenArchiveRequest(archive=ANN, purpose="curiosity"))
    await people.archives.OpenArchive(archives_pb2.OpenArchiveRequest(archive=ANN, purpose="search"))
    opened = [entry.event.purpose for name, entry in await events_of(people) if name == "account.archive_opened"]
    assert opened == ["search"]


@pytest.mark.parametrize("caller", ["ingress", "mailstore", "delivery", "outbound"])
async def test_services_may_not_remove_accounts(people: Running, caller: str) -> None:
    from shared.grpc.errors import Denied

    stub = type(people.archives)(people.channel(caller))
    with pytest.raises(Denied):
        await stub.RemoveAccount(Remove(account=ANN, fate=Remove.ARCHIVE))


async def test_a_restored_account_has_its_limits_and_its_lists_of_senders(people: Running) -> None:
    change = pb.ChangeAccountRequest(address=ANN, quota_messages=70, max_message_size=100_000)
    await people.stub.ChangeAccount(change)
    await people.stub.AddAccount(pb.AddAccountRequest(address=BOB, user="ann"))
    blocking = BlockingStub(people.channel("operator"))
    many = [f"s{number}@x.example" for number in range(MOST_AT_ONCE)]
    for account, chosen, patterns in (
        (ANN, "block", many),
        (ANN, "block", ["*@y.example"]),
        (ANN, "allow", ["a@b.example"]),
    ):
        await blocking.AddEntries(blocking_pb2.BlockingEntriesRequest(account=account, list=chosen, patterns=patterns))

    async def lists(account: str) -> list[int]:
        requests = [blocking_pb2.ListBlockingRequest(account=account, list=chosen) for chosen in ("block", "allow")]
        return [(await blocking.ListEntries(request)).total for request in requests]

    identity = (await archived(people)).id
    await people.restart()
    blocking = BlockingStub(people.channel("operator"))
    assert await is_clean(people)
    await people.archives.RestoreArchive(
        archives_pb2.RestoreArchiveRequest(archive=identity, address="anna@example.org")
    )
    shown = await people.stub.ShowAccount(pb.NameRequest(name=identity))
    assert (shown.quota_bytes, shown.quota_messages, shown.max_message_size) == (1000, 70, 100_000)
    assert (await lists("anna@example.org"), await lists(BOB)) == ([MOST_AT_ONCE + 1, 1], [0, 0])
    copied = await book(people, "ingress")
    assert copied.copy is not None
    assert copied.copy.size_limit_of(parse_address("anna@example.org")) == 100_000
    await copied.stop()
    await archived(people, name="anna@example.org")
    await people.archives.DeleteArchive(archives_pb2.ArchiveRequest(archive=identity))
    rows = await people.store.read(lambda reader: reader.all("SELECT pattern FROM kept_blocking_entry"))
    assert (rows, await is_clean(people)) == ([], True)
