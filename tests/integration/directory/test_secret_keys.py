"""Re-keying: a new key encrypts everything, and the old one can go."""

from __future__ import annotations

from typing import Any

import pytest

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import NotNow
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.secrets.keyring import VARIABLE, Keyring
from shared.secrets.sealed import SecretKey
from shared.secrets.sending import open_relay_password, open_signing_key
from tests.integration.directory.conftest import Running

RELAY = pb.SetRelayRequest(preset="smarthost", host="relay.example", user="me", password="hunter2")
EVERY = pb.ListRequest()


async def opened(running: Running) -> set[bytes]:
    """Every secret that outbound gets, in clear."""
    stub = DirectoryStub(running.channel("outbound"))
    reply = await stub.SendingOf(pb.SendingRequest(domain="example.org"))
    keyring = Keyring(running.places)
    keys = {open_signing_key(keyring, key).reveal() for key in reply.keys}
    return keys | {open_relay_password(keyring, reply.relay).reveal()}


def uses(reply: pb.SecretKeyList) -> list[tuple[bool, bool, int]]:
    return [(key.seals, key.present, key.secrets) for key in reply.keys]


@pytest.mark.parametrize("page", [1, 200])
async def test_a_new_key_encrypts_everything_and_the_old_one_can_go(
    people: Running, events_of: Any, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("services.directory.handlers.secret_keys._PAGE", page)
    await people.stub.SetRelay(RELAY)
    before = await opened(people)
    assert uses(await people.stub.ShowSecretKeys(EVERY)) == [(True, True, 4)]
    old = (await people.stub.ShowSecretKeys(EVERY)).keys[0].id
    rekeyed = await people.stub.RekeySecrets(EVERY)
    assert uses(rekeyed) == [(True, True, 4), (False, True, 0)] and rekeyed.keys[1].id == old
    assert await opened(people) == before and len(before) == 3
    dropped = await people.stub.DropSecretKeys(EVERY)
    assert uses(dropped) == [(True, True, 4)] and old not in people.places.secrets_key.read_text()
    assert await opened(people) == before
    names = [name for name, _ in await events_of(people)]
    assert names.count("dkim.key_resealed") == 2 and names.count("relay.password_resealed") == 1
    await people.restart()
    assert await opened(people) == before
    owner = OwnerStub(people.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    assert verdict.done and list(verdict.differences) == []


async def test_a_key_in_use_is_never_dropped(people: Running) -> None:
    await people.stub.SetRelay(RELAY)
    Keyring(people.places).add_key()
    assert uses(await people.stub.DropSecretKeys(EVERY)) == [(True, True, 0), (False, True, 4)]
    assert len(await opened(people)) == 3


async def test_a_repeated_rekeying_makes_one_key(people: Running) -> None:
    with acting(Provenance(Actor("operator"), command="c1")):
        first = await people.stub.RekeySecrets(EVERY)
        assert await people.stub.RekeySecrets(EVERY) == first
    assert len(first.keys) == 2


async def test_what_lost_its_key_is_named_and_stays(people: Running) -> None:
    await people.stub.SetRelay(RELAY)
    people.places.secrets_key.unlink()
    with pytest.raises(NotNow, match="mailfold secrets rekey"):
        await people.stub.SetRelay(RELAY)
    reply = await people.stub.RekeySecrets(EVERY)
    assert uses(reply) == [(True, True, 0), (False, False, 4)]
    assert len(reply.unreadable) == 4 and any("relay.example" in name for name in reply.unreadable)
    await people.stub.SetRelay(RELAY)
    assert uses(await people.stub.ShowSecretKeys(EVERY)) == [(True, True, 1), (False, False, 3)]
    (trouble,) = (await OwnerStub(people.channel("operator")).Report(owner_pb2.ReportRequest())).troubles
    assert "3 secret(s) need the key" in trouble.what


async def test_what_cannot_be_opened_is_named_up_to_a_limit(people: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.directory.handlers.secret_keys._MOST_NAMED", 1)
    people.places.secrets_key.unlink()
    reply = await people.stub.RekeySecrets(EVERY)
    assert (len(reply.unreadable), uses(reply)[1]) == (1, (False, False, 3))


async def test_keys_of_the_environment_come_first(people: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await people.stub.SetRelay(RELAY)
    before = await opened(people)
    key = bytes(range(32))
    monkeypatch.setenv(VARIABLE, key.hex())
    reply = await people.stub.RekeySecrets(EVERY)
    assert (reply.source, reply.keys[0].id, uses(reply)[0]) == (VARIABLE, SecretKey(key).id, (True, True, 4))
    assert uses(await people.stub.DropSecretKeys(EVERY)) == [(True, True, 4)]
    assert await opened(people) == before
