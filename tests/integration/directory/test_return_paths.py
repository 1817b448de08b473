"""The secrets of return paths: made when needed, followed by the services that use them, rotated and sealed again."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from services.directory.app import SERVICE
from shared.clock import FixedClock, SystemClock
from shared.grpc.channel import RemoteChannel
from shared.grpc.errors import Denied, NotNow, ServiceError, Unavailable
from shared.owner.return_paths import KeptReturnPaths
from shared.protocol.address.address import Address, parse_address
from shared.protocol.srs.member import BouncedMember, parse_member_return_path
from shared.protocol.srs.proof import NoReturnAddress
from shared.rpc.mailfold.directory.v1 import directory_pb2, returnpaths_pb2
from shared.rpc.mailfold.directory.v1.returnpaths_pb2_grpc import ReturnPathsStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.secrets.keyring import Keyring
from tests.integration.directory.conftest import CREDENTIALS, Running

BOB = parse_address("Bob.Sender@elsewhere.example")
NOTHING = returnpaths_pb2.ReturnPathRequest()
FORGED = NoReturnAddress("forged")


def kept(running: Running, caller: str, clock: Any = None) -> KeptReturnPaths:
    return KeptReturnPaths(running.channel(caller), Keyring(running.places), clock or SystemClock())


async def rotate(running: Running, *, forget: bool = False) -> list[bool]:
    stub = ReturnPathsStub(running.channel("operator"))
    reply = await stub.RotateSecret(returnpaths_pb2.RotateReturnPathRequest(forget=forget))
    return [secret.current for secret in reply.secrets]


async def test_the_first_question_makes_the_secret_and_all_services_share_it(people: Running, events_of: Any) -> None:
    stub = ReturnPathsStub(people.channel("operator"))
    assert list((await stub.ShowSecrets(NOTHING)).secrets) == []
    delivery, ingress = kept(people, "delivery"), kept(people, "ingress")
    path, _ = await asyncio.gather(
        delivery.forwarding(BOB, "example.org", "q1"), ingress.forwarding(BOB, "example.org", "q1")
    )
    assert path.domain == "example.org" and path.localpart.endswith("=elsewhere.example=Bob.Sender")
    assert await ingress.sender_of(path, ("example.org",)) == BOB
    assert [secret.current for secret in (await stub.ShowSecrets(NOTHING)).secrets] == [True]
    names = [name for name, _ in await events_of(people)]
    assert names.count("return_path.secret_added") == 1
    await people.restart()
    assert await kept(people, "ingress").sender_of(path, ("example.org",)) == BOB


async def test_a_member_of_a_list_is_read_from_the_return_path(people: Running) -> None:
    paths = kept(people, "delivery")
    path = parse_member_return_path(await paths.to_member("news", "example.org", "l1", "m7"))
    assert path is not None and path.list_name == "news"
    assert await paths.member_of(path, "l1") == BouncedMember("m7")
    assert await paths.member_of(path, "l2") == FORGED


async def test_what_a_newer_secret_wrote_is_asked_for_before_it_is_refused(people: Running) -> None:
    clock = FixedClock()
    ingress, delivery = kept(people, "ingress", clock), kept(people, "delivery", clock)
    old = await ingress.forwarding(BOB, "example.org", "q1")
    assert await rotate(people) == [True, False]
    new = await delivery.forwarding(BOB, "example.org", "q1")
    assert new != old
    assert await ingress.sender_of(new, ("example.org",)) == FORGED, "it has asked in the last ten seconds"
    clock.advance(11)
    assert await ingress.sender_of(new, ("example.org",)) == BOB
    assert await ingress.sender_of(old, ("example.org",)) == BOB
    assert await rotate(people, forget=True) == [True]
    clock.advance(301)
    assert await ingress.sender_of(old, ("example.org",)) == FORGED


async def test_kept_secrets_serve_while_the_directory_is_away_but_refuse_nothing(people: Running) -> None:
    clock = FixedClock()
    channel = RemoteChannel(people.places.socket(SERVICE), "ingress", CREDENTIALS["ingress"])
    ingress = KeptReturnPaths(cast(Any, channel), Keyring(people.places), clock)
    path = await ingress.forwarding(BOB, "example.org", "q1")
    await people.stop()
    clock.advance(301)
    assert await ingress.sender_of(path, ("example.org",)) == BOB
    clock.advance(11)
    with pytest.raises(ServiceError):
        await ingress.sender_of(Address(f"{path.localpart}x", "example.org"), ("example.org",))
    await channel.close()
    await people.start()


async def test_only_services_that_use_return_paths_get_the_secrets(people: Running) -> None:
    for caller in ("operator", "outbound", "mailstore", "classifier"):
        with pytest.raises(Denied):
            await ReturnPathsStub(people.channel(caller)).Secrets(NOTHING)
    with pytest.raises(Denied):
        await ReturnPathsStub(people.channel("ingress")).RotateSecret(returnpaths_pb2.RotateReturnPathRequest())


async def test_the_secrets_are_sealed_again_with_a_new_key(people: Running) -> None:
    paths = kept(people, "delivery")
    path = await paths.forwarding(BOB, "example.org", "q1")
    every = directory_pb2.ListRequest()
    assert [key.secrets for key in (await people.stub.ShowSecretKeys(every)).keys] == [4]
    await people.stub.RekeySecrets(every)
    await people.stub.DropSecretKeys(every)
    assert [key.secrets for key in (await people.stub.ShowSecretKeys(every)).keys] == [4]
    assert await kept(people, "ingress").sender_of(path, ("example.org",)) == BOB
    *_, verdict = [entry async for entry in OwnerStub(people.channel("operator")).Verify(owner_pb2.VerifyRequest())]
    assert verdict.done and list(verdict.differences) == []


async def test_a_lost_key_is_no_refusal_and_no_new_secret(people: Running) -> None:
    await kept(people, "delivery").forwarding(BOB, "example.org", "q1")
    people.places.secrets_key.unlink()
    with pytest.raises(Unavailable, match="put it back"):
        await kept(people, "delivery").forwarding(BOB, "example.org", "q1")
    with pytest.raises(NotNow, match="secrets rekey"):
        await rotate(people)
