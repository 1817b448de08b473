"""What an attacker in a compromised process of the server finds, and what the attacker can call with it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from mailfold.operator.running import read_tokens
from mailfold.supervisor.report import Process, Report
from shared.grpc.channel import RemoteChannel
from shared.grpc.errors import Denied, ServiceError, Unauthenticated
from shared.rpc.mailfold.delivery.v1 import heldposts_pb2
from shared.rpc.mailfold.delivery.v1.heldposts_pb2_grpc import HeldPostsStub
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.outbound.v1 import outbound_pb2
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub
from tests.harness.server import MailfoldServer
from tests.hostile import taken

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the memory of other processes")


def running(server: MailfoldServer) -> Report:
    report = server.report()
    assert report is not None
    return report


def services_of(report: Report) -> list[Process]:
    return [process for process in report.processes if process.services]


def test_no_process_finds_what_another_calls_with(server: MailfoldServer) -> None:
    """Not in its memory, its environment, its open files, nor on disk.

    Before, every process read the secrets of all services from one file, including the operator's.
    """
    report = running(server)
    parts = taken.parts(report.supervisor)
    assert parts.keys() == {process.name for process in services_of(report)}
    services = set[str]().union(*map(taken.tokens, parts.values()))
    assert taken.on_disk(server.data, services) == set()
    everything = services | set(read_tokens(server.places).values())
    for process in services_of(report):
        own = taken.tokens(parts[process.name])
        others = everything - own - taken.shown_to(parts[process.name], everything)
        assert others and taken.in_memory(process, own | others) == own, process.name
        assert taken.open_parts(process) == []
        assert not any(token.encode() in taken.environment(process) for token in everything)


def test_the_launcher_has_none_of_it_in_its_memory(server: MailfoldServer) -> None:
    """Its children are copies of it, so a child would have every token that the launcher once had."""
    report = running(server)
    everything = set[str]().union(*map(taken.tokens, taken.parts(report.supervisor).values()))
    launcher = Process("launcher", (), report.processes[0].state, report.supervisor, 0, 0, 0, "")
    assert taken.in_memory(launcher, everything | set(read_tokens(server.places).values())) == set()


def test_a_taken_process_reaches_what_the_table_allows_and_no_more(server: MailfoldServer) -> None:
    """With everything that the edge process has: its own tokens, these tokens at other services, and other services'
    names."""
    edge = taken.parts(running(server).supervisor)["edge"]
    token = edge.token("ingress", "directory")
    assert edge.tokens.keys() == {"ingress"} and edge.tokens["ingress"].keys() == {"directory", "mailstore", "delivery"}
    assert asyncio.run(_resolves(server, "ingress", token))
    add = ("directory", DirectoryStub, "AddUser", directory_pb2.AddUserRequest(name="eve", password="correct horse"))
    fetch = ("mailstore", MailstoreStub, "ListMailboxes", mailstore_pb2.ListMailboxesRequest(account="a"))
    enqueue = ("outbound", OutboundStub, "Enqueue", outbound_pb2.EnqueueRequest())
    for caller, call, refusal in (
        ("ingress", add, Denied),
        ("ingress", fetch, Unauthenticated),
        ("ingress", enqueue, Unauthenticated),
        ("operator", add, Unauthenticated),
        ("access", fetch, Unauthenticated),
        ("delivery", enqueue, Unauthenticated),
    ):
        answer = asyncio.run(_answer(server, caller, token, call))
        assert type(answer) is refusal, (caller, call[:3], answer)
    decide = ("delivery", HeldPostsStub, "DecidePost", heldposts_pb2.DecideRequest())
    for call in (fetch, decide):
        answer = asyncio.run(_answer(server, "ingress", edge.token("ingress", call[0]), call))
        assert type(answer) is Denied, answer


def test_a_process_that_comes_back_has_its_part_again(server: MailfoldServer) -> None:
    """The others still accept its tokens, and nothing was written to disk meanwhile."""
    from tests.harness.waiting import until

    before = next(process for process in running(server).processes if process.name == "mind")
    os.kill(before.pid, 9)
    until(lambda: _is_back(server, before), "the process is back", 60)
    until(lambda: server.status()["ready"], "all services answer", 60)
    after = next(process for process in running(server).processes if process.name == "mind")
    own = taken.tokens(taken.parts(running(server).supervisor)["mind"])
    assert taken.in_memory(after, own) == own
    assert server.contracts.learning().ready


def _is_back(server: MailfoldServer, before: Process) -> bool:
    now = next(process for process in running(server).processes if process.name == before.name)
    return now.pid not in (0, before.pid) and now.state == "running"


async def _resolves(server: MailfoldServer, caller: str, token: str) -> bool:
    call = ("directory", DirectoryStub, "Resolve", directory_pb2.ResolveRequest(address="nobody@example.org"))
    return not isinstance(await _answer(server, caller, token, call), ServiceError)


async def _answer(server: MailfoldServer, caller: str, token: str, call: tuple[str, Any, str, Any]) -> Any:
    service, stub, method, request = call
    channel = RemoteChannel(server.places.socket(service), caller, token)
    try:
        return await getattr(stub(channel), method)(request)
    except ServiceError as error:
        return error
    finally:
        await channel.close()
