"""The directory changes while mail is under way and processes are killed.

An address gets one holder after the other, and an alias is sent back and forth. No mail may be lost, and none may reach
a holder who had the address only after the mail was accepted.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest

from shared.grpc.errors import AlreadyExists, NotFound, ServiceError
from shared.rpc.mailfold.directory.v1 import archives_pb2, directory_pb2
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from tests.chaos.conditions import pause, until
from tests.chaos.conftest import Start
from tests.chaos.mails import RenderedMail, digest_of, message
from tests.chaos.moments import Moments
from tests.chaos.people import PASSWORD, address
from tests.chaos.smtp_client import Failed, SmtpClient, Submission
from tests.chaos.stores import Stores
from tests.chaos.victims import Victims
from tests.harness.ports import SMTP
from tests.harness.server import MailfoldServer

HOLDERS = int(os.environ.get("MAILFOLD_CHAOS_HOLDERS", "12"))
SEED = int(os.environ.get("MAILFOLD_CHAOS_SEED", "7"))
SEAT, ALIAS, STEADY = address("seat"), address("turning"), address("ann")
_SETTINGS = {
    "MAILFOLD_DIRECTORY_ARCHIVE_DAYS": "0",
    "MAILFOLD_SERVER_RESTART_LONGEST": "1",
    "MAILFOLD_BUS_ACK_WAIT_SECONDS": "4",
    "MAILFOLD_INGRESS_REPEAT_FIRST": "2",
    "MAILFOLD_INGRESS_REPEAT_LONGEST": "10",
    "MAILFOLD_SERVER_CALL_TIMEOUT": "5",
}
_SETTLED_SECONDS = 90.0

pytestmark = pytest.mark.timeout(600)


@dataclass(slots=True)
class Holder:
    """Who had the address from about `began` to about `ended`: never shorter than in truth, by the wall clock."""

    account: str
    began: float
    ended: float = float("inf")


@dataclass(slots=True)
class Sent:
    """What was accepted, and what was refused."""

    accepted: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    """Queue id → address, and the times before RCPT and after the 250."""
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Churn:
    """Changes the directory; a call that a kill interrupts is made again."""

    def __init__(self, server: MailfoldServer) -> None:
        self._contracts = server.contracts
        self.holders: list[Holder] = []

    async def run(self, number: int) -> None:
        """Give the address to so many holders."""
        for place in range(number):
            await self._new_holder(place)
            await self._turn(address("bob" if place % 2 else "cleo"))
            await pause(0.4)
            if place + 1 < number:
                await self._remove_holder()

    async def _new_holder(self, place: int) -> None:
        user, began = f"holder{place}", time.time()
        await self._directory("AddUser", directory_pb2.AddUserRequest(name=user, password=PASSWORD))
        await self._directory("AddAccount", directory_pb2.AddAccountRequest(address=SEAT, user=user))
        shown = await self._directory("ShowAccount", directory_pb2.NameRequest(name=SEAT))
        self.holders.append(Holder(shown.id, began))

    async def _remove_holder(self) -> None:
        request = archives_pb2.RemoveAccountRequest(
            account=self.holders[-1].account,
            fate=archives_pb2.RemoveAccountRequest.ARCHIVE,
            references=archives_pb2.RemoveAccountRequest.END,
        )
        await self._call(ArchivesStub, "RemoveAccount", request)
        self.holders[-1].ended = time.time()

    async def _turn(self, target: str) -> None:
        request = directory_pb2.ChangeAliasRequest(address=ALIAS, targets=directory_pb2.Names(names=[target]))
        await self._directory("ChangeAlias", request)

    async def _directory(self, method: str, request: object) -> directory_pb2.Account:
        answer: directory_pb2.Account = await self._call(DirectoryStub, method, request)
        return answer

    async def _call(self, stub: object, method: str, request: object) -> directory_pb2.Account:
        repeated = False
        while True:
            try:
                return await asyncio.to_thread(self._contracts.ask, "directory", stub, method, request)
            except (AlreadyExists, NotFound):
                if not repeated:
                    raise
                return directory_pb2.Account()  # the interrupted call was carried out
            except ServiceError:
                repeated = True
                await pause(0.1)


class Sender:
    """Sends to the three addresses until the churn is over."""

    def __init__(self, server: MailfoldServer, sent: Sent, number: int) -> None:
        self._submission = Submission(server.port(SMTP))
        self._sent = sent
        self._chance = random.Random(f"{SEED} churn {number}")
        self._tokens = (f"{SEED}.c{number}.{count}" for count in itertools.count())

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with SmtpClient(self._submission, Moments()) as client:
                    for _ in range(8):
                        await self._send(client)
            except Failed as failed:
                self._note(failed)
                await pause(0.1)

    async def _send(self, client: SmtpClient) -> None:
        recipient, token = self._chance.choice((SEAT, SEAT, ALIAS, STEADY)), next(self._tokens)
        text = f"{self._chance.getrandbits(64):x}\r\n".encode() * 20
        sender = "someone@remote.example"
        data = message(token, sender, text)
        mail = RenderedMail(token, sender, (recipient,), frozenset((recipient,)), (), data, digest_of(text))
        began = time.time()
        queue_id = await client.send(mail)
        self._sent.accepted[queue_id] = (recipient, began, time.time())

    def _note(self, failed: Failed) -> None:
        code = failed.reply.code if failed.reply else 0
        self._sent.refused[f"{failed.where} {code}"] += 1
        if failed.permanent and failed.where != "RCPT":
            self._sent.wrong.append(str(failed))


async def test_no_mail_is_lost_or_reaches_a_later_holder(start: Start) -> None:
    server = await asyncio.to_thread(start, _SETTINGS, "small")
    alias = directory_pb2.AddAliasRequest(address=ALIAS, targets=[address("bob")])
    await asyncio.to_thread(server.contracts.ask, "directory", DirectoryStub, "AddAlias", alias)
    sent, churn, victims, stop = Sent(), Churn(server), Victims(server), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(Sender(server, sent, number).run(stop))
        group.create_task(_kills(victims, stop))
        await churn.run(HOLDERS)
        stop.set()
    await victims.all_back()
    await until(lambda: _are_settled(server), "every reception settled", _SETTLED_SECONDS, look=0.25)
    stores = Stores(server)
    copies, bounced = _copies(stores), _bounced(stores)
    reached = Counter(recipient for recipient, _, _ in sent.accepted.values())
    print(f"\naccepted {dict(reached)}, refused {dict(sent.refused)}, killed {dict(victims.killed)}")
    print(f"{len(churn.holders)} holders of {SEAT}; {len(bounced)} mails were returned")
    assert sent.wrong == []
    assert _faults(sent, churn, copies, bounced, stores) == []
    assert min(reached.values()) > HOLDERS
    verified = await asyncio.to_thread(server.command.run, "verify")
    assert verified.status == 0, verified.output + verified.errors


async def _kills(victims: Victims, stop: asyncio.Event) -> None:
    chance = random.Random(f"{SEED} churn kills")
    while not stop.is_set():
        await pause(1.5 + chance.random())
        name = chance.choice(victims.names())
        await victims.kill(name)
        await victims.back(name)


async def _are_settled(server: MailfoldServer) -> bool:
    try:
        return not await asyncio.to_thread(server.contracts.receptions)
    except ServiceError:
        return False


def _copies(stores: Stores) -> dict[str, list[str]]:
    """Queue id → the accounts that have a copy."""
    sql = "SELECT entry.queue_id, mailbox.account FROM entry JOIN mailbox ON mailbox.id = entry.mailbox"
    copies: dict[str, list[str]] = defaultdict(list)
    for queue_id, account in stores.rows("mailstore", sql):
        copies[queue_id].append(account)
    return copies


def _bounced(stores: Stores) -> set[str]:
    return {stream for (stream,) in stores.rows("delivery", "SELECT stream FROM event WHERE type = 'delivery.bounced'")}


def _faults(sent: Sent, churn: Churn, copies: dict[str, list[str]], bounced: set[str], stores: Stores) -> list[str]:
    accounts = stores.pairs("directory", "SELECT id, address FROM account")
    holders = {holder.account: holder for holder in churn.holders}
    faults = []
    for queue_id, (recipient, began, ended) in sent.accepted.items():
        reached = copies.get(queue_id, [])
        if len(reached) + (queue_id in bounced) != 1 or (queue_id in bounced and recipient != SEAT):
            faults.append(f"{queue_id} to {recipient}: copies {reached}, bounced {queue_id in bounced}")
        for account in reached:
            if recipient == SEAT:
                holder = holders.get(account)
                if holder is None or holder.began > ended or holder.ended < began:
                    faults.append(f"{queue_id} reached {account}, who did not have {SEAT} then")
            elif recipient == STEADY and accounts.get(account) != STEADY:
                faults.append(f"{queue_id} to {STEADY} reached {accounts.get(account)}")
            elif recipient == ALIAS and accounts.get(account) not in (address("bob"), address("cleo")):
                faults.append(f"{queue_id} to {ALIAS} reached {accounts.get(account)}")
    return faults
