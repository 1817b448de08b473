"""Submissions that wait: nobody sees them before their release, each is released once, and a cancelled one is gone."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.events.directory import AccountChanged, AccountRemoved
from shared.events.mail import MailCancelled, MailReleased, MailSubmitted
from shared.eventstore.event import Actor, Provenance
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.ingress.v1 import ingress_pb2 as pb
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from tests.harness.waiting import until_true
from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.directory import PASSWORD
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import PLAIN
from tests.integration.ingress.test_log_in_ends import ended as followed
from tests.parts.certificate import trusting
from tests.parts.nats import NatsServer

MAIL = b"From: ann@example.org\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nSubject: later\r\n\r\nhi\r\n"
TO = ("bob@example.org", "carl@elsewhere.example")
SOON = {"repeat_first": "0.2", "repeat_longest": "1"}


@contextlib.asynccontextmanager
async def logged_in(server: Running, plain: str = PLAIN, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    """A submission session of ann."""
    async with connected(server.port(465), tls or trusting()) as client:
        await client.hello()
        assert (await client.say(f"AUTH PLAIN {plain}")).startswith(b"235")
        yield client


async def submit(client: Client, parameters: str = "", sender: str = "ann@example.org", mail: bytes = MAIL) -> bytes:
    """Send a mail; returns the reply to its end, or the refusal of MAIL."""
    reply = await client.say(f"MAIL FROM:<{sender}>{parameters}")
    if not reply.startswith(b"250"):
        return reply
    return await rest(client, mail)


async def rest(client: Client, mail: bytes = MAIL) -> bytes:
    """Send the rest of a mail behind MAIL."""
    for recipient in TO:
        assert (await client.say(f"RCPT TO:<{recipient}>")).startswith(b"250")
    assert (await client.say("DATA")).startswith(b"354")
    return await client.say(mail + b".")


def id_of(reply: bytes) -> str:
    """The queue id in a positive reply."""
    assert reply.startswith(b"250 2.0.0 Accepted as "), reply
    return reply.split()[4].decode()


def stub(server: Running) -> IngressStub:
    return IngressStub(server.host.channel("ingress", "operator"))


async def states(server: Running) -> list[str]:
    return [state for _, _, state in await server.ingress.receptions.listed(100)]


async def names(server: Running, queue_id: str) -> list[str]:
    return [recorded.event.stored_name for recorded in await server.ingress.store.read_stream(queue_id)]


async def published(server: Running) -> MailSubmitted:
    return await asyncio.wait_for(server.submitted.get(), 20)


def chosen(*ids: str, **fields: str) -> pb.ChangeWaitingRequest:
    return pb.ChangeWaitingRequest(filter=pb.WaitingFilter(ids=ids, **fields))


async def test_a_mail_is_published_at_its_time_and_not_before(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server, logged_in(server) as client:
        later = id_of(await submit(client, " HOLDFOR=2 ENVID=later"))
        at_once = id_of(await submit(client))
        assert (await published(server)).queue_id == at_once  # it was accepted afterwards
        event = await published(server)
        while event.queue_id == at_once:  # repeated, because nobody settles it
            event = await published(server)
        assert (event.queue_id, event.envid, event.hold_requested) == (later, "later", True)
        submitted, released = await server.ingress.store.read_stream(later)
        assert submitted.event == event and isinstance(released.event, MailReleased)
        assert released.at >= event.release_at >= submitted.at
        assert released.provenance.actor == Actor("service", "ingress")
        assert await server.body(event.message.blob) == MAIL  # its Date stays as it was
        assert not (await server.ingress.store.verify()).differences


async def test_listed_and_released_before_its_time(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, logged_in(server) as client:
        later = id_of(await submit(client, " HOLDFOR=86400"))
        (listed,) = (await stub(server).ListWaiting(pb.ListWaitingRequest())).submissions
        assert (listed.queue_id, listed.account, listed.sender, listed.subject, listed.size, listed.requested) == (
            (later, "a1", "ann@example.org", "later", len(MAIL), True)
        )
        assert (tuple(listed.recipients), listed.more_recipients) == (TO, 0)
        assert listed.release_at > listed.at
        assert await states(server) == ["waiting"]
        reply = await stub(server).ReleaseWaiting(chosen(later))
        assert (reply.changed, list(reply.queue_ids), list(reply.not_waiting)) == (1, [later], [])
        assert (await published(server)).queue_id == later
        again = await stub(server).ReleaseWaiting(chosen(later))
        assert (again.changed, [mail.state for mail in again.not_waiting]) == (0, ["released"])
        assert await names(server, later) == ["mail.submitted", "mail.released"]


async def test_mail_of_a_disabled_account_stays_until_it_is_enabled(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server, logged_in(server) as client:
        due, later = id_of(await submit(client, " HOLDFOR=1")), id_of(await submit(client, " HOLDFOR=86400"))
        await followed(server, AccountChanged("a1", True, 0))

        async def is_suspended() -> bool:
            return await names(server, due) == ["mail.submitted", "mail.submission_suspended"]

        await until_true(is_suspended)
        listed = {mail.queue_id: mail for mail in (await stub(server).ListWaiting(pb.ListWaitingRequest())).submissions}
        assert (listed[due].suspended, listed[later].suspended) == (True, False)
        refused = await stub(server).ReleaseWaiting(chosen(due, later))
        assert (refused.changed, [(mail.queue_id, mail.state) for mail in refused.not_waiting]) == (
            0,
            [(due, "suspended"), (later, "suspended")],
        )
        assert server.submitted.empty()
        await followed(server, AccountChanged("a1", False, 0))
        assert (await published(server)).queue_id == due
        assert (await names(server, due))[-2:] == ["mail.submission_resumed", "mail.released"]
        assert (await names(server, later))[-1] == "mail.submission_resumed"
        assert not (await server.ingress.store.verify()).differences


async def test_mail_of_a_deleted_account_is_cancelled(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server, logged_in(server) as client:
        due = id_of(await submit(client, " HOLDFOR=1"))
        await followed(server, AccountRemoved("a1", "ann@example.org"))

        async def is_gone() -> bool:
            return await states(server) == []

        await until_true(is_gone)
        *_, cancelled = await server.ingress.store.read_stream(due)
        assert cancelled.event == MailCancelled(due, "the account was deleted")
        assert server.submitted.empty()


async def test_nothing_is_released_while_the_directory_is_away(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server, logged_in(server) as client:
        due = id_of(await submit(client, " HOLDFOR=1"))
        server.directory.is_down = True

        async def is_asked() -> bool:
            return server.directory.asked.get("StatesOfAccounts", 0) > 1

        await until_true(is_asked)
        assert await names(server, due) == ["mail.submitted"]
        server.directory.is_down = False
        assert (await published(server)).queue_id == due


async def test_a_cancelled_mail_is_gone_and_says_by_whom(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server, logged_in(server) as client:
        later = id_of(await submit(client, " HOLDFOR=1"))
        request = chosen(later)
        request.reason = "wrong list"
        assert (await stub(server).CancelWaiting(request)).changed == 1
        *_, cancelled = await server.ingress.store.read_stream(later)
        assert cancelled.event == MailCancelled(later, "wrong list")
        assert await states(server) == [] and [page async for page in server.ingress.receptions.blobs("g0001")] == []
        for change in (stub(server).CancelWaiting, stub(server).ReleaseWaiting):
            (other,) = (await change(chosen(later))).not_waiting
            assert (other.state, other.at, other.actor) == ("cancelled", cancelled.at, cancelled.provenance.actor.kind)
        after = id_of(await submit(client, " HOLDFOR=2"))  # due later than the cancelled one was
        assert (await published(server)).queue_id == after
        assert await names(server, later) == ["mail.submitted", "mail.cancelled"]
        assert not (await server.ingress.store.verify()).differences


async def test_what_does_not_wait_is_named(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, logged_in(server) as client:
        at_once, waits = id_of(await submit(client)), id_of(await submit(client, " HOLDFOR=3600"))
        reply = await stub(server).CancelWaiting(chosen("q-unknown", at_once, waits, account="a2"))
        assert [(mail.queue_id, mail.state) for mail in reply.not_waiting] == [
            ("q-unknown", "unknown"),
            (at_once, "delivered at once"),
            (waits, "waiting"),
        ]
        with pytest.raises(Invalid):
            await stub(server).CancelWaiting(pb.ChangeWaitingRequest())
        assert (await stub(server).CancelWaiting(pb.ChangeWaitingRequest(all=True))).changed == 1


async def test_a_restart_keeps_it_waiting_and_a_late_start_releases(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, logged_in(server) as client:
        long, short = id_of(await submit(client, " HOLDFOR=86400")), id_of(await submit(client, " HOLDFOR=1"))
        await server.ingress.releaser.stop()
    async with running(nats_server.url, tmp_path) as server:
        assert (await published(server)).queue_id == short
        assert sorted(await states(server)) == ["moving", "waiting"]
        assert (await stub(server).ReleaseWaiting(chosen(long))).changed == 1
        assert (await published(server)).queue_id == long


async def test_dead_between_release_and_publication(nats_server: NatsServer, tmp_path: Path) -> None:
    """The release is committed, and the process ends before it publishes: the next start publishes the mail."""
    async with running(nats_server.url, tmp_path) as server, logged_in(server) as client:
        later = id_of(await submit(client, " HOLDFOR=86400"))
        await server.ingress.releaser.stop()
        assert await server.ingress.waiting.release([later], Provenance(Actor("service", "ingress"))) == [later]
        assert server.submitted.empty()
    async with running(nats_server.url, tmp_path) as server:
        assert (await published(server)).queue_id == later
        assert await names(server, later) == ["mail.submitted", "mail.released"]


async def test_many_that_are_due_at_once_are_released_in_batches(nats_server: NatsServer, tmp_path: Path) -> None:
    count = 250  # more than two batches, and more than the schedule has room for
    async with running(nats_server.url, tmp_path, undo_seconds="3600", repeats_waiting="10") as server:
        async with logged_in(server) as client:
            ids = {id_of(await submit(client)) for _ in range(count)}
        assert server.submitted.empty()
        assert (await stub(server).ReleaseWaiting(chosen(account="a2"))).changed == 0
        assert (await stub(server).ReleaseWaiting(chosen(sender="ann@*"))).changed == count
        seen: set[str] = set()
        while seen != ids:
            seen.add((await published(server)).queue_id)


async def test_every_mail_of_a_user_can_be_undone_for_a_while(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, undo_seconds="3600") as server:
        async with logged_in(server) as client:
            reply = await submit(client)
            assert b" and held until 20" in reply and reply.endswith(b"Z\r\n")
            longer = id_of(await submit(client, " HOLDFOR=7200"))
        async with connected(server.port(25)) as client:  # mail from other servers never waits
            await client.hello()
            assert b"held" not in await client.mail(MAIL, "ann@example.org")
        await asyncio.wait_for(server.received.get(), 20)
        mails = (await stub(server).ListWaiting(pb.ListWaitingRequest())).submissions
        assert [
            (mail.queue_id, mail.requested, (mail.release_at - mail.at) // 1_000_000 >= 7199) for mail in mails
        ] == [
            (id_of(reply), False, False),
            (longer, True, True),
        ]


async def test_pages(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, logged_in(server) as client:
        ids = [id_of(await submit(client, " HOLDFOR=3600")) for _ in range(3)]
        first = await stub(server).ListWaiting(pb.ListWaitingRequest(limit=2))
        second = await stub(server).ListWaiting(pb.ListWaitingRequest(limit=2, after=first.next))
        assert [mail.queue_id for mail in (*first.submissions, *second.submissions)] == ids
        assert (first.next, second.next) == (ids[1], "")


async def test_an_account_fills_only_its_own_places(nats_server: NatsServer, tmp_path: Path) -> None:
    import base64

    bob = base64.b64encode(f"\0bob@example.org\0{PASSWORD}".encode()).decode()
    async with running(nats_server.url, tmp_path, future_release_mails="2") as server:
        async with logged_in(server) as first, logged_in(server) as second, logged_in(server) as third:
            for client in (first, second, third):  # all three while there is room
                assert (await client.say("MAIL FROM:<ann@example.org> HOLDFOR=3600")).startswith(b"250")
            replies = [await rest(client) for client in (first, second, third)]
            assert [reply[:9] for reply in replies] == [b"250 2.0.0", b"250 2.0.0", b"452 4.3.0"]
            assert (await submit(first, " HOLDFOR=3600")).startswith(b"452 4.3.0 Too much")
            id_of(await submit(first))  # mail that does not wait is taken all the same
            await stub(server).CancelWaiting(chosen(id_of(replies[0])))
            id_of(await submit(third, " HOLDFOR=3600"))
        async with logged_in(server, bob) as client:
            mail = MAIL.replace(b"ann@", b"bob@")
            id_of(await submit(client, " HOLDFOR=3600", "bob@example.org", mail))
        await until_true(lambda: has_waiting(server, 3))
        blobs = [blob async for page in server.ingress.receptions.blobs("g0001") for blob in page]
        assert len(blobs) == 4  # the refused mail left nothing


async def has_waiting(server: Running, count: int) -> bool:
    return (await states(server)).count("waiting") == count


async def test_it_is_not_offered_where_it_is_off_or_to_other_servers(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, future_release_days="0") as server:
        async with logged_in(server) as client:
            assert b"FUTURERELEASE" not in await client.say("EHLO client.example")
            assert (await submit(client, " HOLDFOR=60")).startswith(b"555 5.5.4")
        async with connected(server.port(25)) as client:
            await client.hello()
            assert (await client.say("MAIL FROM:<bob@sender.example> HOLDFOR=60")).startswith(b"555 5.5.4")
