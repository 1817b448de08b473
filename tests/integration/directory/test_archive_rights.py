"""Who may remove an account, and what a domain admin may not change on the way."""

from __future__ import annotations

import pytest

from shared.grpc.call import acting
from shared.grpc.errors import Denied
from shared.rpc.mailfold.directory.v1 import archives_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from tests.integration.directory.conftest import Running
from tests.integration.directory.test_rights import as_user as as_user
from tests.integration.directory.test_rights import two_domains as two_domains

Remove = archives_pb2.RemoveAccountRequest
BOB = "bob@example.org"


async def test_a_domain_admin_removes_accounts_of_the_domain_alone(two_domains: Running) -> None:
    carla = await as_user(two_domains, "carla")
    for name in (BOB, "eve@example.net", "nobody@example.net", "no address"):
        with acting(await as_user(two_domains, "bob")), pytest.raises(Denied):
            await two_domains.archives.RemoveAccount(Remove(account=name, fate=Remove.DELETE))
    with acting(carla):
        with pytest.raises(Denied):
            await two_domains.archives.RemoveAccount(Remove(account="eve@example.net", fate=Remove.ARCHIVE))
        moved = Remove(account=BOB, fate=Remove.ARCHIVE, references=Remove.MOVE, move_to="eve@example.net")
        with pytest.raises(Denied):
            await two_domains.archives.RemoveAccount(moved)
        removed = await two_domains.archives.RemoveAccount(Remove(account=BOB, fate=Remove.ARCHIVE))
        assert removed.is_archived
        shown = await two_domains.archives.ShowArchive(archives_pb2.ArchiveRequest(archive=BOB))
        assert shown.id == removed.id
        for call, request in (
            ("OpenArchive", archives_pb2.OpenArchiveRequest(archive=BOB, purpose="show")),
            ("DeleteArchive", archives_pb2.ArchiveRequest(archive=BOB)),
            ("RestoreArchive", archives_pb2.RestoreArchiveRequest(archive=BOB, address="bob@example.net")),
            ("ListArchives", archives_pb2.ListArchivesRequest()),
        ):
            with pytest.raises(Denied):
                await getattr(two_domains.archives, call)(request)


async def test_a_foreign_alias_is_not_changed_by_a_removal(two_domains: Running) -> None:
    await two_domains.stub.AddAlias(pb.AddAliasRequest(address="info@example.net", targets=[BOB]))
    with acting(await as_user(two_domains, "carla")), pytest.raises(Denied):
        await two_domains.archives.RemoveAccount(Remove(account=BOB, fate=Remove.DELETE, references=Remove.END))
    assert (await two_domains.stub.ShowAlias(pb.NameRequest(name="info@example.net"))).targets == [BOB]
