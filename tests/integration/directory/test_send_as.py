"""The right to send as an account of another user, over the directory's socket."""

from __future__ import annotations

from typing import Any

import pytest

from services.directory.domain.send_as import MOST_ACCOUNTS, grant
from services.directory.domain.state import AccountState, DirectoryRefused
from shared.grpc.errors import Invalid, NotFound
from shared.rpc.mailfold.directory.v1 import archives_pb2 as apb
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import sendas_pb2 as spb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.sendas_pb2_grpc import SendAsStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running

ANN = "ann@example.org"


def stub(running: Running) -> Any:
    return SendAsStub(running.channel("operator"))


async def bob_of(running: Running) -> str:
    return str((await running.stub.AddUser(pb.AddUserRequest(name="bob", password="correct horse"))).id)


async def may(running: Running, user: str) -> bool:
    reply = await running.stub.MaySendAs(pb.MaySendAsRequest(user=user, addresses=[ANN]))
    return not reply.refused


async def test_it_survives_a_restart_and_a_rebuild_and_ends_with_the_account(people: Running) -> None:
    bob = await bob_of(people)
    assert not await may(people, bob)
    given = await stub(people).GrantSendAs(spb.SendAsRequest(user="bob", address=ANN))
    assert list(given.accounts) == [ANN]
    await people.restart()
    assert await may(people, bob)
    owner = OwnerStub(people.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert (verdict.done, list(verdict.differences)) == (True, [])
    archives = ArchivesStub(people.channel("operator"))
    await archives.RemoveAccount(apb.RemoveAccountRequest(account=ANN, fate=apb.RemoveAccountRequest.DELETE))
    await people.stub.AddAccount(pb.AddAccountRequest(address=ANN, user="ann"))
    assert not await may(people, bob)
    await people.restart()
    assert not await may(people, bob)


async def test_it_rests_while_the_owner_is_disabled_also_after_a_restart(people: Running) -> None:
    bob = await bob_of(people)
    await stub(people).GrantSendAs(spb.SendAsRequest(user="bob", address=ANN))
    await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", disabled=True))
    assert not await may(people, bob)
    await people.restart()
    assert not await may(people, bob)
    await people.stub.ChangeUser(pb.ChangeUserRequest(name="ann", disabled=False))
    assert await may(people, bob)
    revoked = await stub(people).RevokeSendAs(spb.SendAsRequest(user="bob", address=ANN))
    assert list(revoked.accounts) == [] and not await may(people, bob)


async def test_a_new_user_of_the_same_name_inherits_nothing(people: Running) -> None:
    await bob_of(people)
    await stub(people).GrantSendAs(spb.SendAsRequest(user="bob", address=ANN))
    await people.stub.RemoveUser(pb.NameRequest(name="bob"))
    assert not await may(people, await bob_of(people))
    assert list((await stub(people).ListSendAs(spb.ListSendAsRequest(user="bob"))).accounts) == []


@pytest.mark.parametrize(
    ("user", "address", "error"), [("ann", ANN, Invalid), ("nobody", ANN, NotFound), ("ann", "x@example.org", NotFound)]
)
async def test_what_is_refused(people: Running, user: str, address: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await stub(people).GrantSendAs(spb.SendAsRequest(user=user, address=address))


def test_the_rights_of_a_user_are_bounded() -> None:
    account = AccountState("a0", "x@example.org", "u2", "eve", 0, False)
    with pytest.raises(DirectoryRefused, match="at most"):
        grant("u1", account, {f"a{number}" for number in range(1, MOST_ACCOUNTS + 1)})
