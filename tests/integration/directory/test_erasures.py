"""The order of the steps of an erasure, and who may say that one is done. Over the directory's socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.directory.domain.erasures import STEPS
from services.directory.handlers.erasures import MOST_NOTED
from shared.grpc.errors import Denied, Invalid, NotFound
from shared.rpc.mailfold.directory.v1 import archives_pb2
from shared.rpc.mailfold.directory.v1 import erasures_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.erasures_pb2_grpc import ErasuresStub
from tests.harness.waiting import PATIENCE
from tests.integration.directory.conftest import Running

ANN = "ann@example.org"


@pytest.fixture
async def account(people: Running) -> str:
    """An account that was deleted for good."""
    archives: Any = ArchivesStub(people.channel("operator"))
    request = archives_pb2.RemoveAccountRequest(
        account=ANN, fate=archives_pb2.RemoveAccountRequest.DELETE, references=archives_pb2.RemoveAccountRequest.END
    )
    return str((await archives.RemoveAccount(request)).id)


def stub(people: Running, service: str) -> Any:
    return ErasuresStub(people.channel(service))


async def present(people: Running) -> pb.Erasure:
    reply = await stub(people, "operator").ListErasures(pb.ListErasuresRequest())
    (erasure,) = reply.erasures
    return erasure


async def test_nobody_does_a_step_before_its_turn(people: Running, account: str) -> None:
    shown = await present(people)
    assert (shown.account, shown.service, shown.step, shown.completed_at) == (account, "ingress", "settle", 0)
    outbound = stub(people, "outbound")
    assert not (await outbound.NextErasure(pb.NextErasureRequest(service="outbound"))).account
    with pytest.raises(Invalid, match="not the turn"):
        await outbound.NoteMails(pb.NotedMails(account=account, service="outbound", whole=["q1"]))
    await outbound.EndStep(pb.EndStepRequest(account=account, service="outbound", step="erase"))
    assert (await present(people)).service == "ingress", "a step that is not present ends nothing"
    task = await stub(people, "ingress").NextErasure(pb.NextErasureRequest(service="ingress"))
    assert (task.account, task.step, [held.address for held in task.addresses]) == (account, "settle", [ANN])
    with pytest.raises(NotFound):
        await outbound.EndStep(pb.EndStepRequest(account="nobody", service="outbound", step="erase"))
    with pytest.raises(Denied):
        await stub(people, "operator").EndStep(pb.EndStepRequest(account=account, service="ingress", step="settle"))


async def test_the_steps_follow_each_other_through_restarts(people: Running, account: str) -> None:
    for step in STEPS[:2]:
        await ended(people, account, step.service, step.name)
    with pytest.raises(Invalid, match="at most"):
        many = [f"q{number}" for number in range(MOST_NOTED + 1)]
        await stub(people, "ingress").NoteMails(pb.NotedMails(account=account, service="ingress", part=many))
    await stub(people, "ingress").NoteMails(pb.NotedMails(account=account, service="ingress", whole=["q1", "q2"]))
    await stub(people, "ingress").NoteMails(pb.NotedMails(account=account, service="ingress", part=["q2", "q3"]))
    page = await stub(people, "ingress").ReadMails(pb.ReadMailsRequest(account=account))
    assert (list(page.whole), list(page.part), page.next) == (["q1"], ["q2", "q3"], "q3")
    await people.stop()
    await people.start()
    for step in STEPS[2:-1]:
        shown = await present(people)
        assert (shown.service, shown.step) == (step.service, step.name)
        await ended(people, account, step.service, step.name)
    await completed(people)
    shown = await present(people)
    assert list(shown.services)[-1] == "directory" and not shown.service
    assert not (await stub(people, "ingress").ReadMails(pb.ReadMailsRequest(account=account))).whole


async def ended(people: Running, account: str, service: str, step: str) -> None:
    caller = service if service != "eventlog" else "ingress"  # the test's directory has no credential of the event log
    await stub(people, caller).EndStep(pb.EndStepRequest(account=account, service=service, step=step))


async def completed(people: Running) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (await present(people)).completed_at:  # noqa: ASYNC110 -- it waits for another task
            await asyncio.sleep(0.02)
