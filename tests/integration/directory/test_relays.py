"""Relays over the contract: set, kept, shown without their password, removed."""

from __future__ import annotations

from typing import Any

import pytest

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import Invalid, NotFound
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.secrets.keyring import Keyring
from shared.secrets.sending import open_relay_password
from tests.integration.directory.conftest import Running

GIVEN = {"preset": "smarthost", "host": "relay.example", "user": "me", "password": "hunter2"}


async def set_relay(running: Running, **given: Any) -> pb.Relay:
    relay: pb.Relay = await running.stub.SetRelay(pb.SetRelayRequest(**{**GIVEN, **given}))
    return relay


async def password(running: Running) -> str:
    stub = DirectoryStub(running.channel("outbound"))
    relay = (await stub.SendingOf(pb.SendingRequest(domain="example.org"))).relay
    return open_relay_password(Keyring(running.places), relay).reveal().decode()


async def test_a_relay_is_set_changed_listed_and_removed(people: Running) -> None:
    made = await set_relay(people, domain="Example.ORG", connections=3, accepts_null_reverse_path=False)
    assert (made.domain, made.host, made.port, made.has_password) == ("example.org", "relay.example", 587, True)
    assert (made.properties.connections, made.properties.accepts_null_reverse_path) == (3, False)
    await set_relay(people, preset="sendgrid", host="", user="apikey")
    listed = (await people.stub.ListRelays(pb.ListRequest())).relays
    assert [(relay.domain, relay.preset) for relay in listed] == [("", "sendgrid"), ("example.org", "smarthost")]
    assert await people.stub.ShowRelay(pb.NameRequest(name="example.org")) == listed[1]
    assert (await people.stub.RemoveRelay(pb.NameRequest())).name == "default"
    assert (await people.stub.RemoveRelay(pb.NameRequest(name="example.org"))).name == "example.org"
    assert list((await people.stub.ListRelays(pb.ListRequest())).relays) == []


async def test_the_password_is_kept_for_the_same_host_and_user_alone(people: Running) -> None:
    await set_relay(people)
    without = {key: value for key, value in GIVEN.items() if key != "password"}
    await people.stub.SetRelay(pb.SetRelayRequest(**without, port=2525))
    assert await password(people) == "hunter2"
    with pytest.raises(Invalid, match="wants a password"):
        await people.stub.SetRelay(pb.SetRelayRequest(**{**without, "host": "evil.example"}))
    await set_relay(people, password="hunter3")
    assert await password(people) == "hunter3"


async def test_a_password_without_a_user_is_refused(people: Running) -> None:
    with pytest.raises(Invalid, match="user name"):
        await set_relay(people, user="")


async def test_a_repeated_command_changes_nothing(people: Running, events_of: Any) -> None:
    with acting(Provenance(Actor("operator"), command="c1")):
        first = await set_relay(people)
        assert await set_relay(people, password="other") == first
    assert [name for name, _ in await events_of(people)].count("relay.set") == 1
    with acting(Provenance(Actor("operator"), command="c2")):
        assert await people.stub.RemoveRelay(pb.NameRequest()) == await people.stub.RemoveRelay(pb.NameRequest())


@pytest.mark.parametrize("domain", ["nosuch.example", "x\r\ny", "a" * 300, "sub.example.org"])
async def test_a_domain_that_is_not_ours_has_no_relay(people: Running, domain: str) -> None:
    for call, request in (
        (people.stub.SetRelay, pb.SetRelayRequest(domain=domain, **GIVEN)),
        (people.stub.ShowRelay, pb.NameRequest(name=domain)),
        (people.stub.RemoveRelay, pb.NameRequest(name=domain)),
    ):
        with pytest.raises(NotFound):
            await call(request)


@pytest.mark.parametrize(
    "given",
    [{"host": "a\r\nb"}, {"host": "a" * 300}, {"user": "a\nb"}, {"password": "a\r\nb"}, {"port": 4_000_000_000}],
)
async def test_hostile_values_are_refused(people: Running, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        await set_relay(people, **given)
    assert str(refused.value).isprintable() and "hunter2" not in str(refused.value)


async def test_presets_are_listed(people: Running) -> None:
    presets = {preset.name: preset for preset in (await people.stub.ListRelayPresets(pb.ListRequest())).presets}
    assert presets["ses"].regional_host == "email-smtp.{region}.amazonaws.com"
    assert (presets["office365"].properties.connections, presets["office365"].properties.messages_per_minute) == (3, 30)


async def test_relays_are_there_after_a_restart(people: Running) -> None:
    await set_relay(people, domain="example.org")
    before = await people.stub.ListRelays(pb.ListRequest())
    await people.restart()
    assert await people.stub.ListRelays(pb.ListRequest()) == before
    assert await password(people) == "hunter2"
