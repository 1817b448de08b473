"""What accounts and applications may hold: the largest message, and the quotas of applications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import AlreadyExists, Denied, Invalid, NotFound, NotNow
from shared.protocol.address.address import parse_address
from shared.routing.domain_values import LEAST_MESSAGE
from shared.rpc.mailfold.directory.v1 import archives_pb2, bulk_pb2, credentials_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkStub
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_archives import is_clean
from tests.integration.directory.test_starts_of_copies import book

ANN, SHOP = "ann@example.org", "shop.app@example.org"
LIMIT = 100_000
Remove = archives_pb2.RemoveAccountRequest


async def change(directory: Running, **values: Any) -> Any:
    return await directory.stub.ChangeAccount(pb.ChangeAccountRequest(address=ANN, **values))


async def change_application(directory: Running, **values: Any) -> Any:
    stub = CredentialsStub(directory.channel("operator"))
    return await stub.ChangeApplication(credentials_pb2.ChangeApplicationRequest(name=SHOP, **values))


async def application(directory: Running, **values: Any) -> Any:
    request = credentials_pb2.AddApplicationRequest(address=SHOP, **values)
    return await CredentialsStub(directory.channel("operator")).AddApplication(request)


async def test_an_account_has_a_size_limit_until_it_is_set_back(people: Running) -> None:
    assert (await change(people, max_message_size=LIMIT)).max_message_size == LIMIT
    assert (await people.stub.ShowAccount(pb.NameRequest(name=ANN))).max_message_size == LIMIT
    (listed,) = (await people.stub.ListAccounts(pb.ListRequest())).accounts
    assert listed.max_message_size == LIMIT
    assert (await change(people, quota_messages=5)).max_message_size == LIMIT
    await people.restart()
    assert (await people.stub.ShowAccount(pb.NameRequest(name=ANN))).max_message_size == LIMIT
    assert await is_clean(people)
    assert (await change(people, max_message_size=0)).max_message_size == 0
    assert await is_clean(people)
    added = pb.AddAccountRequest(address="bob@example.org", user="ann", max_message_size=LIMIT)
    assert (await people.stub.AddAccount(added)).max_message_size == LIMIT


@pytest.mark.parametrize("size", [1, LEAST_MESSAGE - 1, 2**64 - 1])
async def test_a_size_limit_has_bounds(people: Running, size: int) -> None:
    with pytest.raises(Invalid, match=str(LEAST_MESSAGE)):
        await change(people, max_message_size=size)
    with pytest.raises(Invalid, match=str(LEAST_MESSAGE)):
        await people.stub.AddAccount(pb.AddAccountRequest(address="x@example.org", user="ann", max_message_size=size))


async def test_a_copy_that_starts_later_knows_the_limits(people: Running) -> None:
    await change(people, max_message_size=LIMIT)
    await application(people, receives=True)
    await change_application(people, max_message_size=2 * LIMIT, quota_bytes=77, quota_messages=7)
    copied = await book(people, "ingress")
    assert copied.copy is not None
    assert [copied.copy.size_limit_of(parse_address(name)) for name in (ANN, SHOP)] == [LIMIT, 2 * LIMIT]
    (target,) = copied.copy.resolve(parse_address(SHOP)).targets
    assert (target.quota_bytes, target.quota_messages) == (77, 7)
    await copied.stop()


async def test_a_domain_admin_changes_it_and_its_user_does_not(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    await people.stub.AddUser(pb.AddUserRequest(name="eve", password="correct horse"))
    roles = RolesStub(people.channel("operator"))
    await roles.GiveRole(roles_pb2.GiveRoleRequest(user="eve", role="domain-admin", domains=["example.org"]))
    ids = {name: (await people.stub.ShowUser(pb.NameRequest(name=name))).id for name in ("ann", "eve")}
    with acting(Provenance(Actor("user", ids["ann"]))), pytest.raises(Denied):
        await change(people, max_message_size=LIMIT)
    with acting(Provenance(Actor("user", ids["ann"]))):
        assert (await people.stub.ShowAccount(pb.NameRequest(name=ANN))).max_message_size == 0
    with acting(Provenance(Actor("user", ids["eve"]))):
        assert (await change(people, max_message_size=LIMIT)).max_message_size == LIMIT
    assert "account.size_limit_changed" in [name for name, _ in await events_of(people)]


async def test_a_change_of_the_limit_is_reverted(people: Running, events_of: Callable[[Running], Any]) -> None:
    await change(people, max_message_size=LIMIT)
    await change(people, max_message_size=2 * LIMIT)
    bulk = BulkStub(people.channel("operator"))
    changes = [entry for name, entry in await events_of(people) if name == "account.size_limit_changed"]
    await bulk.RevertChange(bulk_pb2.RevertChangeRequest(number=changes[-1].position))
    assert (await people.stub.ShowAccount(pb.NameRequest(name=ANN))).max_message_size == LIMIT
    await bulk.RevertChange(bulk_pb2.RevertChangeRequest(number=changes[0].position))
    assert (await people.stub.ShowAccount(pb.NameRequest(name=ANN))).max_message_size == 0


async def test_an_application_has_the_quotas_of_its_domain_and_then_its_own(people: Running) -> None:
    for name, value in (("default_quota", "5M"), ("default_quota_messages", "50")):
        request = pb.DomainValueRequest(name="example.org", value_name=name, value=value)
        await people.stub.SetDomainValue(request)
    shop = await application(people, receives=True)

    async def shown() -> tuple[int, int, int]:
        """As the mailstore asks for it."""
        account = await people.stub.ShowAccount(pb.NameRequest(name=shop.id))
        return account.quota_bytes, account.quota_messages, account.max_message_size

    assert await shown() == (5 * 1024 * 1024, 50, 0)
    assert (await change_application(people, quota_messages=7)).quota_messages == 7
    assert await shown() == (5 * 1024 * 1024, 7, 0)
    await change_application(people, quota_bytes=0, quota_messages=0, max_message_size=LIMIT)
    assert await shown() == (0, 0, LIMIT)
    with pytest.raises(Invalid, match=str(LEAST_MESSAGE)):
        await change_application(people, max_message_size=1)
    await people.restart()
    assert await shown() == (0, 0, LIMIT)
    assert await is_clean(people)


async def removed(directory: Running, fate: int, name: str = SHOP, references: int = Remove.KEEP) -> Any:
    return await directory.archives.RemoveAccount(Remove(account=name, fate=fate, references=references))


async def restored(directory: Running, archive: str, **values: Any) -> Any:
    request = credentials_pb2.RestoreApplicationRequest(archive=archive, **values)
    return await CredentialsStub(directory.channel("operator")).RestoreApplication(request)


async def test_an_application_is_archived_and_restored_with_a_new_password(
    people: Running, events_of: Callable[[Running], Any]
) -> None:
    shop = await application(people, receives=True)
    await change_application(people, quota_bytes=77, quota_messages=7, max_message_size=LIMIT)
    alias = pb.AddAliasRequest(address="orders@example.org", targets=[SHOP, ANN])
    await people.stub.AddAlias(alias)
    with pytest.raises(NotNow, match="orders@"):
        await removed(people, Remove.ARCHIVE, references=Remove.UNDECIDED)
    assert (await removed(people, Remove.ARCHIVE)).id == shop.id
    with pytest.raises(AlreadyExists, match="reserved for an archived"):
        await application(people)
    with pytest.raises(Invalid, match=f"application restore {shop.id}"):
        await people.archives.RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=SHOP, user="ann"))
    again = await restored(people, SHOP, address="store.app@example.org", mails_an_hour=9)
    assert (again.id, again.address, again.receives, again.mails_an_hour) == (shop.id, "store.app@example.org", True, 9)
    assert (again.quota_bytes, again.quota_messages, again.max_message_size) == (77, 7, LIMIT)
    assert again.password and again.password != shop.password
    targets = (await people.stub.ShowAlias(pb.NameRequest(name="orders@example.org"))).targets
    assert list(targets) == ["store.app@example.org", ANN]
    await people.restart()
    assert await is_clean(people)
    names = [name for name, entry in await events_of(people) if entry.stream == f"account:{shop.id}"]
    assert names[-6:-2] == [
        "account.application_removed",
        "account.archived",
        "account.restored",
        "account.application_added",
    ]


async def test_an_account_is_no_application_when_it_is_restored(people: Running) -> None:
    await removed(people, Remove.ARCHIVE, ANN)
    with pytest.raises(Invalid, match="archive restore"):
        await restored(people, ANN, address=SHOP)
    await application(people)
    await removed(people, Remove.DELETE, references=Remove.END)
    with pytest.raises(NotFound):
        await restored(people, SHOP)
    assert (await application(people)).password
