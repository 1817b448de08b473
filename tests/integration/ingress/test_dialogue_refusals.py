"""The script of a sole recipient may refuse a mail before it is accepted; whatever is doubtful is accepted."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.events.directory import AliasAdded
from shared.grpc.errors import Conflict, Unavailable
from shared.rpc.mailfold.delivery.v1.refusals_pb2 import WouldRefuseReply
from tests.harness.waiting import PATIENCE, until_true
from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.directory import PASSWORD, START, FakeDirectory
from tests.integration.ingress.refusing import FakeRefusals, FakeScripts, are_known
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.integration.ingress.test_refusals import reference, refusals
from tests.parts.nats import NatsServer

ANN, BOB = "ann@example.org", "bob@example.org"
REFUSED = WouldRefuseReply(kind="ereject", reason="Not from you.", script='script "rules"', line=7)


@contextlib.asynccontextmanager
async def refusing(
    nats: NatsServer, folder: Path, delivery: FakeRefusals, requires: tuple[str, ...] = ("ereject",), **settings: str
) -> AsyncIterator[tuple[Running, Client]]:
    """An ingress where Ann has a script, and a client that has said hello."""
    scripts = FakeScripts({"a1": requires})
    aliases = AliasAdded("both@example.org", (ANN, BOB)), AliasAdded("postmaster@example.org", (ANN,))
    directory = FakeDirectory((*START, *aliases))
    async with running(nats.url, folder, scripts=scripts, refusals=delivery, directory=directory, **settings) as server:
        await until_true(lambda: are_known(server.ingress.scripts))
        async with connected(server.port(25)) as client:
            await client.hello()
            yield server, client


async def blobs(server: Running) -> list[object]:
    return [blob async for blob in server.blobs.list(server.blobs.generation)]


async def test_a_refusal_is_recorded_and_leaves_nothing(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals(REFUSED)
    async with refusing(nats_server, tmp_path, delivery) as (server, client):
        reply = await client.mail(MAIL)
        assert reply.startswith(b"550 5.7.1 Not from you. (ref ")
        [asked] = delivery.asked
        assert (asked.reverse_path, asked.recipients[0].account) == ("bob@sender.example", "a1")
        assert {check.name for check in asked.checks} >= {"spf", "dkim", "dmarc"}
        assert await blobs(server) == [] and server.received.empty()
        [kept] = [refusal for event in await refusals(server) for refusal in event.refusals]
        assert (kept.reference, kept.stage, kept.code) == (reference(reply), "message", 550)
        assert kept.cause == 'ereject in line 7 of script "rules", for ann@example.org'
        assert kept.sender == "bob@sender.example"
        delivery.reply = WouldRefuseReply()
        assert (await client.mail(MAIL)).startswith(b"250 ")
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert await server.body(event.message.blob) == MAIL


async def test_a_body_that_was_there_before_stays(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals()
    async with refusing(nats_server, tmp_path, delivery) as (server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        delivery.reply = REFUSED
        assert (await client.mail(MAIL)).startswith(b"550 5.7.1 ")
        assert await server.body(event.message.blob) == MAIL


@pytest.mark.parametrize("recipient", ["info@example.org", "Ann@Example.ORG"])
async def test_an_alias_to_one_account_is_one_account(nats_server: NatsServer, tmp_path: Path, recipient: str) -> None:
    async with refusing(nats_server, tmp_path, FakeRefusals(REFUSED)) as (_server, client):
        assert (await client.mail(MAIL, recipient)).startswith(b"550 5.7.1 ")


async def test_mail_to_postmaster_is_accepted(nats_server: NatsServer, tmp_path: Path) -> None:
    """RFC 5321 §4.5.1."""
    async with refusing(nats_server, tmp_path, FakeRefusals(REFUSED)) as (_server, client):
        assert (await client.mail(MAIL, "Postmaster@example.org")).startswith(b"250 ")


@pytest.mark.parametrize("recipients", [(BOB,), (ANN, BOB), (BOB, ANN), (ANN, ANN), ("both@example.org",)])
async def test_who_is_not_alone_is_not_asked_about(
    nats_server: NatsServer, tmp_path: Path, recipients: tuple[str, ...]
) -> None:
    delivery = FakeRefusals(REFUSED)
    async with refusing(nats_server, tmp_path, delivery) as (_server, client):
        assert (await client.mail(MAIL, *recipients)).startswith(b"250 ")
        assert delivery.asked == []


async def test_a_recipient_of_an_earlier_transaction_is_forgotten(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals(REFUSED)
    async with refusing(nats_server, tmp_path, delivery) as (_server, client):
        assert (await client.say("MAIL FROM:<bob@sender.example>")).startswith(b"250")
        assert (await client.say(f"RCPT TO:<{ANN}>")).startswith(b"250")
        assert (await client.say("RSET")).startswith(b"250")
        assert (await client.mail(MAIL, BOB)).startswith(b"250 ")
        assert delivery.asked == []


@pytest.mark.parametrize("requires", [("fileinto", "vacation"), ()])
async def test_scripts_that_cannot_refuse_cost_nothing(
    nats_server: NatsServer, tmp_path: Path, requires: tuple[str, ...]
) -> None:
    delivery = FakeRefusals(REFUSED)
    async with refusing(nats_server, tmp_path, delivery, requires) as (_server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")
        assert delivery.asked == []


@pytest.mark.parametrize("requires", [("reject",), ("include",), ("ihave", "fileinto")])
async def test_scripts_that_can_refuse_are_asked(
    nats_server: NatsServer, tmp_path: Path, requires: tuple[str, ...]
) -> None:
    async with refusing(nats_server, tmp_path, FakeRefusals(REFUSED), requires) as (_server, client):
        assert (await client.mail(MAIL)).startswith(b"550 5.7.1 ")


@pytest.mark.parametrize("error", [Unavailable("the store is locked"), Conflict("not now"), RuntimeError("a fault")])
async def test_a_delivery_that_cannot_answer_refuses_nothing(
    nats_server: NatsServer, tmp_path: Path, error: Exception
) -> None:
    delivery = FakeRefusals(REFUSED)
    delivery.error = error
    async with refusing(nats_server, tmp_path, delivery) as (server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")
        assert len(delivery.asked) == 1
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert event.queue_id == delivery.asked[0].queue_id


async def test_a_delivery_that_hangs_is_not_waited_for(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals(REFUSED)
    delivery.hangs = True
    async with refusing(nats_server, tmp_path, delivery, script_seconds="0.05") as (server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")
        await asyncio.wait_for(server.received.get(), PATIENCE)


async def test_an_undecided_script_refuses_nothing(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals(WouldRefuseReply(undecided="the verdict on spam is not known yet"))
    async with refusing(nats_server, tmp_path, delivery) as (_server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")


async def test_a_reason_of_reject_that_smtp_cannot_carry_is_left_to_a_report(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """RFC 5429 §2.2."""
    delivery = FakeRefusals(WouldRefuseReply(kind="reject", reason="Schöne Grüße", script="rules", line=1))
    async with refusing(nats_server, tmp_path, delivery) as (_server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")


async def test_the_setting_turns_it_off(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals(REFUSED)
    async with refusing(nats_server, tmp_path, delivery, script_seconds="0") as (_server, client):
        assert (await client.mail(MAIL)).startswith(b"250 ")
        assert delivery.asked == []


async def test_the_mail_of_users_is_not_asked_about(nats_server: NatsServer, tmp_path: Path) -> None:
    delivery = FakeRefusals(REFUSED)
    plain = base64.b64encode(f"\0{ANN}\0{PASSWORD}".encode()).decode()
    async with (
        refusing(nats_server, tmp_path, delivery) as (server, _client),
        connected(server.port(587)) as user,
    ):
        await user.hello()
        await user.start_tls()
        assert (await user.say(f"AUTH PLAIN {plain}")).startswith(b"235")
        message = MAIL.replace(b"bob@sender.example", ANN.encode())
        assert (await user.mail(message, ANN, sender=ANN)).startswith(b"250 ")
        assert delivery.asked == []
