"""Mails to an account whose script sends on, notifies, answers, files and remembers, while the services are killed.

Every mail has names of its own for what its script sends, so that each effect can be counted: none is lost, none is
done twice. What the queue sends to another server may arrive twice there only when outbound was killed between the
reply and its commit; so the entries of the queue are counted, and at the other server only that each has arrived.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
import pytest

from shared.grpc.errors import ServiceError
from tests.chaos.conditions import pause, until
from tests.chaos.conftest import Start
from tests.chaos.mails import TOKEN, RenderedMail, digest_of, message
from tests.chaos.moments import Moments
from tests.chaos.outside import sending_to
from tests.chaos.people import ELSEWHERE
from tests.chaos.smtp_client import Failed, SmtpClient, Submission
from tests.chaos.stores import Stores
from tests.chaos.victims import Victims
from tests.harness.people import Person
from tests.harness.ports import SMTP
from tests.harness.server import MailfoldServer
from tests.parts.remote_server import RemoteServer

MAILS = int(os.environ.get("MAILFOLD_CHAOS_SCRIPTED", "120"))
KILLS = int(os.environ.get("MAILFOLD_CHAOS_SCRIPTED_KILLS", "12"))
SEED = int(os.environ.get("MAILFOLD_CHAOS_SEED", "7"))
REGULAR = f"regular@{ELSEWHERE}"
"""A sender of many of the mails, who gets one response."""
SCRIPT = f"""
require ["variables", "copy", "enotify", "vacation", "duplicate", "fileinto", "mailbox"];
if duplicate {{ discard; stop; }}
if header :matches "subject" "chaos *" {{ set "token" "${{1}}"; }}
redirect :copy "redirect-${{token}}@{ELSEWHERE}";
notify :message "a mail" "mailto:notify-${{token}}@{ELSEWHERE}";
vacation "I am away.";
fileinto :create "Filed";
"""
_VICTIMS = ("delivery", "outbound", "ingress", "mailstore", "directory")
_SETTINGS = {
    "MAILFOLD_BUS_MAX_ATTEMPTS": "8",
    "MAILFOLD_SERVER_RESTART_LONGEST": "1",
    "MAILFOLD_BUS_ACK_WAIT_SECONDS": "4",
    "MAILFOLD_INGRESS_REPEAT_FIRST": "2",
    "MAILFOLD_INGRESS_REPEAT_LONGEST": "10",
    "MAILFOLD_SERVER_CALL_TIMEOUT": "5",
    "MAILFOLD_DELIVERY_REDIRECTS_PER_DAY": "10000",
    "MAILFOLD_DELIVERY_NOTIFICATIONS_PER_DAY": "10000",
    "MAILFOLD_DELIVERY_ANSWERS_PER_DAY": "10000",
}
_SECONDS = 120.0

pytestmark = pytest.mark.timeout(900)


@dataclass(slots=True)
class Scripted:
    """The mails that were sent: token → sender."""

    accepted: dict[str, str] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)


async def test_every_effect_of_a_script_is_there_once(start: Start) -> None:
    async with RemoteServer() as outside:
        server = await asyncio.to_thread(start, {**_SETTINGS, **sending_to(outside)}, "split")
        hub = await asyncio.to_thread(server.people.person, "hub")
        put = ("sieve", "put", hub.address, "main", "-", "--activate")
        await asyncio.to_thread(lambda: server.command(*put, text=SCRIPT))
        victims, sent = Victims(server), Scripted()
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(_send(server, hub, sent, number)) for number in range(4)]
            await _kill(victims, sent)
            await asyncio.gather(*sending)
        await victims.all_back()
        await until(lambda: _is_quiet(server), "every mail settled and sent", _SECONDS, look=0.5)
        filed = await asyncio.to_thread(_filed, server, hub)
        faults = _faults(sent, filed, _queued(Stores(server)), {to for mail in outside.mails for to in mail.recipients})
        print(
            f"{len(sent.accepted)} mails, {len(sent.cut)} cut off, killed {dict(victims.killed)}, {len(faults)} faults"
        )
        assert faults == []
        assert sum(victims.killed.values()) >= KILLS
        verified = await asyncio.to_thread(server.command.run, "verify")
        assert verified.status == 0, verified.output + verified.errors


async def _send(server: MailfoldServer, hub: Person, sent: Scripted, number: int) -> None:
    """Send until there are enough; each attempt has a token of its own."""
    place = 0
    while len(sent.accepted) < MAILS:
        try:
            async with SmtpClient(Submission(server.port(SMTP)), Moments()) as client:
                for _ in range(5):
                    place += 1
                    mail = _mail(f"{SEED}.{number}.{place}", hub, is_regular=place % 4 == 0)
                    await _attempt(client, mail, sent)
        except Failed:
            await pause(0.15)


async def _attempt(client: SmtpClient, mail: RenderedMail, sent: Scripted) -> None:
    try:
        await client.send(mail)
    except Failed as failed:
        if failed.cut:
            sent.cut[mail.token] = mail.reverse_path
        raise
    sent.accepted[mail.token] = mail.reverse_path


def _mail(token: str, hub: Person, *, is_regular: bool) -> RenderedMail:
    sender = REGULAR if is_regular else f"sender-{token}@{ELSEWHERE}"
    text = f"Text of {token}.\r\n".encode()
    data = message(token, sender, text).replace(b"To: somebody", b"To: " + hub.address.encode())
    return RenderedMail(token, sender, (hub.address,), frozenset((hub.address,)), (), data, digest_of(text))


async def _kill(victims: Victims, sent: Scripted) -> None:
    """Kill delivery half of the time, and the services that it calls, spread over the sending."""
    chance = random.Random(f"{SEED} scripted")
    for number in range(KILLS):
        await until(lambda n=number: len(sent.accepted) >= MAILS * n // (KILLS + 1), "more accepted mail", _SECONDS)  # type: ignore[misc]
        await pause(chance.random() * 0.2)
        name = "delivery" if number % 2 == 0 else chance.choice(_VICTIMS)
        await victims.kill(name)
        await victims.back(name)


async def _is_quiet(server: MailfoldServer) -> bool:
    try:
        receptions = await asyncio.to_thread(server.contracts.receptions)
        return not receptions and not await asyncio.to_thread(server.contracts.queue)
    except ServiceError:
        return False


def _filed(server: MailfoldServer, hub: Person) -> Counter[str]:
    """How often each token is in the mailbox into which the script files."""
    with server.imap(hub) as imap:
        imap.select("Filed")
        return Counter(TOKEN.search(imap.fetch(uid))[1].decode() for uid in imap.uids("ALL"))  # type: ignore[index]


def _queued(stores: Stores) -> Counter[str]:
    """How often mail for an address was put into the queue."""
    rows = stores.rows("outbound", "SELECT data FROM event WHERE type = 'outbound.queued'")
    return Counter(orjson.loads(row[0])["forward_path"] for row in rows)


def _faults(sent: Scripted, filed: Counter[str], queued: Counter[str], arrived: set[str]) -> list[str]:
    known = {**sent.accepted, **{token: sender for token, sender in sent.cut.items() if filed[token]}}
    expected = {address for token, sender in known.items() for address in _effects(token, sender)}
    faults = [f"filed {filed[token]} times: {token}" for token in known if filed[token] != 1]
    faults += [f"queued {queued[address]} times: {address}" for address in sorted(expected) if queued[address] != 1]
    faults += [f"never arrived: {address}" for address in sorted(expected - arrived)]
    return faults + [f"nobody asked for: {address}" for address in sorted(set(queued) - expected)]


def _effects(token: str, sender: str) -> Iterator[str]:
    yield f"redirect-{token}@{ELSEWHERE}"
    yield f"notify-{token}@{ELSEWHERE}"
    yield sender
