"""What outbound gets for a sender domain, and what nobody else gets."""

from __future__ import annotations

import pytest

from shared.grpc.errors import Denied
from shared.protocol.dkim.key import parse_key
from shared.protocol.dkim.signing_key import load_signing_key
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.secrets import SecretDamaged, SecretKeyMissing
from shared.secrets.keyring import Keyring
from shared.secrets.sending import open_relay_password, open_signing_key
from tests.integration.directory.conftest import Running

PASSWORD = "corréct horse"
SMARTHOST = {"preset": "smarthost", "host": "10.0.0.5", "user": "me", "password": PASSWORD}


async def sending(running: Running, domain: str) -> pb.Sending:
    reply: pb.Sending = await DirectoryStub(running.channel("outbound")).SendingOf(pb.SendingRequest(domain=domain))
    return reply


async def test_the_keys_of_a_domain_sign_and_fit_their_records(people: Running) -> None:
    reply = await sending(people, "Example.org")
    assert [key.algorithm for key in reply.keys] == ["rsa-sha256", "ed25519-sha256"]
    records = {key.selector: key for key in (await people.stub.ShowDkim(pb.NameRequest(name="example.org"))).keys}
    keyring = Keyring(people.places)
    for key in reply.keys:
        assert (key.domain, key.selector) == ("example.org", f"mailfold-{key.id}")
        signing = load_signing_key(key.domain, key.selector, open_signing_key(keyring, key).reveal())
        assert parse_key(records[key.selector].record).verifies(signing.sign(b"data"), b"data")
    assert not reply.HasField("relay") and reply.as_of > 0


async def test_a_sealed_key_opens_for_its_domain_alone(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="example.net"))
    key = (await sending(people, "example.org")).keys[0]
    key.domain_id = (await sending(people, "example.net")).keys[0].domain_id
    with pytest.raises(SecretDamaged):
        open_signing_key(Keyring(people.places), key)


async def test_a_lost_key_of_secrets_is_an_error_of_outbound_and_a_trouble(people: Running) -> None:
    key = (await sending(people, "example.org")).keys[0]
    people.places.secrets_key.unlink()
    with pytest.raises(SecretKeyMissing):
        open_signing_key(Keyring(people.places), key)


async def test_a_sub_domain_uses_the_closest_parent_of_ours(people: Running) -> None:
    await people.stub.AddDomain(pb.AddDomainRequest(name="deep.example.org"))
    await people.stub.SetRelay(pb.SetRelayRequest(domain="deep.example.org", **SMARTHOST))
    for domain, owner, relay in (
        ("a.b.example.org", "example.org", ""),
        ("x.deep.example.org", "deep.example.org", "10.0.0.5"),
        ("example.org.", "example.org", ""),
        ("notexample.org", "", ""),
        ("org", "", ""),
    ):
        reply = await sending(people, domain)
        assert {key.domain for key in reply.keys} == ({owner} if owner else set()), domain
        assert reply.relay.host == relay, domain


@pytest.mark.parametrize(
    "domain",
    ["", ".", "a" * 300, ".".join(["a"] * 300), "example.org\r\nx", "exa mple.org", "[192.0.2.1]", "é" * 300, "\x00"],
)
async def test_text_of_a_stranger_gets_the_default_relay_and_no_key(people: Running, domain: str) -> None:
    await people.stub.SetRelay(pb.SetRelayRequest(**SMARTHOST))
    reply = await sending(people, domain)
    assert (list(reply.keys), reply.relay.host, reply.relay.domain_id) == ([], "10.0.0.5", "")


async def test_the_relay_is_its_own_else_the_default_else_none(people: Running) -> None:
    await people.stub.SetRelay(pb.SetRelayRequest(preset="ses", region="eu-west-1", user="AKIA", password=PASSWORD))
    relay = (await sending(people, "example.org")).relay
    assert (relay.host, relay.port, relay.tls, relay.user) == (
        "email-smtp.eu-west-1.amazonaws.com",
        587,
        "starttls",
        "AKIA",
    )
    assert (relay.properties.signatures, list(relay.properties.unsigned_fields)) == (
        "rsa",
        ["message-id", "date", "return-path"],
    )
    assert not relay.properties.accepts_null_reverse_path
    assert open_relay_password(Keyring(people.places), relay).reveal() == PASSWORD.encode()
    await people.stub.SetRelay(pb.SetRelayRequest(domain="example.org", preset="direct"))
    assert not (await sending(people, "example.org")).HasField("relay")
    assert (await sending(people, "elsewhere.example")).relay.preset == "ses"
    await people.stub.RemoveRelay(pb.NameRequest(name="example.org"))
    assert (await sending(people, "example.org")).relay.preset == "ses"
    await people.stub.RemoveRelay(pb.NameRequest())
    assert not (await sending(people, "example.org")).HasField("relay")


async def test_a_password_opens_for_its_host_and_user_alone(people: Running) -> None:
    await people.stub.SetRelay(pb.SetRelayRequest(**SMARTHOST))
    relay, keyring = (await sending(people, "example.org")).relay, Keyring(people.places)
    for field, value in (("host", "evil.example"), ("user", "you"), ("domain_id", "d1")):
        moved = pb.SendingRelay()
        moved.CopyFrom(relay)
        setattr(moved, field, value)
        with pytest.raises(SecretDamaged):
            open_relay_password(keyring, moved)


async def test_the_answer_knows_up_to_which_event(people: Running) -> None:
    before = await sending(people, "example.org")
    await people.stub.SetRelay(pb.SetRelayRequest(**SMARTHOST))
    assert (await sending(people, "example.org")).as_of == before.as_of + 1


async def test_only_outbound_gets_secrets(people: Running) -> None:
    for caller in ("operator", "ingress", "delivery", "classifier", "mailstore"):
        with pytest.raises(Denied):
            await DirectoryStub(people.channel(caller)).SendingOf(pb.SendingRequest(domain="example.org"))


async def test_a_removed_domain_has_no_key_and_no_relay(directory: Running) -> None:
    await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org"))
    await directory.stub.SetRelay(pb.SetRelayRequest(domain="example.org", **SMARTHOST))
    await directory.stub.RemoveDomain(pb.NameRequest(name="example.org"))
    reply = await sending(directory, "example.org")
    assert (list(reply.keys), reply.HasField("relay")) == ([], False)
    assert list((await directory.stub.ListRelays(pb.ListRequest())).relays) == []
    await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org"))
    assert len((await sending(directory, "example.org")).keys) == 2


async def test_followers_and_operators_see_no_secret(people: Running, events_of: object) -> None:
    await people.stub.SetRelay(pb.SetRelayRequest(**SMARTHOST))
    events = await events_of(people)  # type: ignore[operator]
    sealed = [
        value
        for _, recorded in events
        for field in ("private_key", "password")
        if (value := getattr(recorded.event, field, None)) is not None
    ]
    assert sealed == ["********"] * 3
    shown = str(await people.stub.ListRelays(pb.ListRequest())) + str(await people.stub.ShowRelay(pb.NameRequest()))
    assert "aesgcm1" not in shown and PASSWORD not in shown and "has_password: true" in shown
