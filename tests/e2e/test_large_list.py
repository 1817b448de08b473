"""A post to a large list, half of whose members are here and half at another server.

It has 300 members, or as many as MAILFOLD_TEST_LIST_MEMBERS says: 10,000 for the figures in docs/figures.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from shared.rpc.mailfold.directory.v1.directory_pb2 import ResolveRequest
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from tests.e2e.received import fields
from tests.harness.mails import bytes_of, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE
from tests.parts import nats
from tests.parts.remote_server import RemoteServer
from tests.parts.required import needs
from tests.unit.services.directory.test_ready_hashes import PASSWORD, SHA512_CRYPT

MEMBERS = int(os.environ.get("MAILFOLD_TEST_LIST_MEMBERS", "300"))
DOMAIN = "large.example"
ALL = f"all@{DOMAIN}"
_PATIENCE = 60.0 + MEMBERS * 0.2
_IN_A_PART = 250


@pytest.fixture(scope="module")
def remote() -> Iterator[RemoteServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(RemoteServer().__aenter__(), loop).result(60)
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture(scope="module")
def server(remote: RemoteServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailfoldServer]:
    """A server with the list."""
    needs(nats)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(remote.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with MailfoldServer(settings=settings) as running:
        _add_list(running, tmp_path_factory.mktemp("list"))
        yield running


def here(number: int) -> str:
    return f"p{number}@{DOMAIN}"


def _add_list(server: MailfoldServer, folder: Path) -> None:
    accounts = [
        {"kind": "account", "address": here(number), "password_hash": SHA512_CRYPT[0]} for number in range(MEMBERS // 2)
    ]
    lines = [{"kind": "domain", "name": DOMAIN, "incoming": True}, *accounts]
    (folder / "people").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    server.command("import", "directory", str(folder / "people"), "--json")
    members = [here(number) for number in range(MEMBERS // 2)]
    members += [f"m{number}@{ELSEWHERE}" for number in range(MEMBERS - MEMBERS // 2)]
    (folder / "members").write_text("\n".join(members))
    server.command("list", "add", ALL, "--owner", here(0))
    server.command("list", "join", ALL, "--file", str(folder / "members"))


class Waits:
    """Asks the core process again and again for what it has in memory, and notes how long the answers take."""

    def __init__(self, server: MailfoldServer) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.milliseconds: list[float] = []

    def __enter__(self) -> Waits:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._is_over.wait(0.02):
            began = time.monotonic()
            self._server.contracts.ask("directory", DirectoryStub, "Resolve", ResolveRequest(address=ALL))
            self.milliseconds.append((time.monotonic() - began) * 1000)


def memory(server: MailfoldServer) -> dict[str, int]:
    """The highest resident memory of each process so far, in MB."""
    report = server.report()
    assert report is not None
    return {
        process.name: int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[0]) // 1024
        for process in report.processes
        if process.pid
    }


def test_every_member_gets_one_copy_and_each_part_is_one_decision(server: MailfoldServer, remote: RemoteServer) -> None:
    poster = Person("", here(1), "", PASSWORD)
    sent = compose(poster.address, ALL, body=bytes_of(8_000))
    stored, before = server.count("mailstore", "messages"), memory(server)
    local, elsewhere = MEMBERS // 2, MEMBERS - MEMBERS // 2
    with Waits(server) as waits:
        began = time.monotonic()
        with server.submissions(poster) as smtp:
            queue_id = smtp.send(poster.address, [ALL], sent.data).queue_id
        accepted = time.monotonic() - began
        until(lambda: server.count("mailstore", "messages") >= stored + local, "the copies here", _PATIENCE)
        delivered = time.monotonic() - began
        until(lambda: len(remote.mails) >= elsewhere, "the copies for the other server", _PATIENCE)
        sent_all = time.monotonic() - began
        until(lambda: not server.contracts.queue(), "the end of the queue", _PATIENCE)
    assert server.count("mailstore", "messages") == stored + local
    assert Counter(recipient for mail in remote.mails for recipient in mail.recipients) == Counter(
        f"m{number}@{ELSEWHERE}" for number in range(elsewhere)
    )
    assert len({mail.mail.partition(">")[0] for mail in remote.mails}) == elsewhere, "a return path each"
    assert _seal_is_valid(server, remote.mails[0].data)
    assert len({mail.data for mail in remote.mails}) <= 2 + int(sent_all / 600), "equal copies are signed once"
    parts = server.command.json_lines("events", queue_id, "--type", "delivery.list_expanded", "--limit", "1000")
    assert len(parts) == -(-MEMBERS // _IN_A_PART)
    with server.imap(Person("", here(local - 1), "", PASSWORD)) as imap:
        assert len(fields(imap.fetch(imap.wait_for(sent.message_id)), "List-Id")) == 1
    after, ordered = memory(server), sorted(waits.milliseconds)
    print(f"\n{MEMBERS} members: accepted after {accepted:.2f} s, {local} copies here after {delivered:.1f} s,")
    print(f"{elsewhere} copies sent after {sent_all:.1f} s; highest memory in MB before {before} and after {after};")
    print(
        f"the core answers after {ordered[len(ordered) // 2]:.0f} ms (p50), {ordered[-len(ordered) // 100 - 1]:.0f} ms"
    )
    print(f"(p99), {ordered[-1]:.0f} ms (longest of {len(ordered)}); {len(parts)} events delivery.list_expanded")


def _seal_is_valid(server: MailfoldServer, data: bytes) -> bool:
    keys = server.command.json("dkim", "show", DOMAIN)
    records = {f"{key['name']}.".encode(): key["record"].encode() for key in keys}
    status, _, _ = dkim.arc_verify(data, dnsfunc=lambda name, timeout=5: records.get(name, b""))
    return bool(status == b"pass")
