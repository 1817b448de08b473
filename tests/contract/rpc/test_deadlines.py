"""Deadlines work in the same way in-process and over gRPC: a call ends with one error, and the method is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from shared.grpc.errors import InternalError, TimedOut
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb
from tests.contract.rpc.conftest import Connect
from tests.contract.rpc.sample import Sample

ASK = pb.DeadLetterRequest(id="l1")
BLOBS = pb.ReferencedBlobsRequest(generation="g1")
SOON = 0.1
PATIENCE = 30.0


async def was_cancelled(sample: Sample) -> None:
    """Wait until the servicer is cancelled; over gRPC that is a moment after the caller's deadline."""
    async with asyncio.timeout(PATIENCE):
        await sample.cancelled.wait()


async def test_a_call_that_names_a_deadline(connect: Connect, sample: Sample) -> None:
    sample.stalled = True
    with pytest.raises(TimedOut) as caught:
        await connect().ShowDeadLetter(ASK, timeout=SOON)
    assert caught.value.reason == ""
    await was_cancelled(sample)


async def test_every_unary_call_has_its_channels_deadline(connect: Connect, sample: Sample) -> None:
    sample.stalled = True
    stub = connect(timeout=SOON)
    with pytest.raises(TimedOut):
        await stub.ShowDeadLetter(ASK)
    await was_cancelled(sample)


async def test_each_of_many_calls_has_its_own(connect: Connect, sample: Sample) -> None:
    sample.stalled = True
    stub = connect(timeout=SOON)
    ended = await asyncio.gather(*(stub.ShowDeadLetter(ASK) for _ in range(20)), return_exceptions=True)
    assert {type(entry) for entry in ended} == {TimedOut}
    sample.stalled = False
    assert (await stub.ShowDeadLetter(ASK)).id == "l1"
    sample.stalled = True
    with pytest.raises(TimedOut):
        await stub.ShowDeadLetter(ASK)


async def test_a_stream_that_names_a_deadline(connect: Connect, sample: Sample) -> None:
    sample.stalled = True
    seen = []
    with pytest.raises(TimedOut):
        async for batch in connect().ReferencedBlobs(BLOBS, timeout=5 * SOON):
            seen += batch.ids
    assert seen == ["g1/0", "g1/1", "g1/2"]
    await was_cancelled(sample)


async def test_what_is_in_time_is_not_disturbed(connect: Connect, sample: Sample) -> None:
    assert (await connect().ShowDeadLetter(ASK, timeout=PATIENCE)).id == "l1"
    assert len([batch async for batch in connect().ReferencedBlobs(BLOBS, timeout=PATIENCE)]) == 3
    assert not sample.cancelled.is_set()


async def test_a_stream_without_a_deadline_outlives_its_channels(connect: Connect, sample: Sample) -> None:
    sample.stalled = True
    stub = connect(timeout=SOON)
    stream = stub.ReferencedBlobs(BLOBS)
    for _ in range(3):
        await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    with pytest.raises(TimedOut):
        await stub.ShowDeadLetter(ASK)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_timeout_inside_a_method_is_a_fault_of_the_method(connect: Connect, sample: Sample) -> None:
    sample.failure = TimeoutError("of the method's own")
    for timeout in (None, PATIENCE):
        with pytest.raises(InternalError):
            await connect().ShowDeadLetter(ASK, timeout=timeout)
        with pytest.raises(InternalError):
            [batch async for batch in connect().ReferencedBlobs(BLOBS, timeout=timeout)]


async def test_a_caller_that_gives_up_is_cancelled_and_not_late(connect: Connect, sample: Sample) -> None:
    sample.stalled = True
    stub = connect()
    call = asyncio.ensure_future(stub.ShowDeadLetter(ASK))
    async with asyncio.timeout(PATIENCE):
        while not sample.seen:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await was_cancelled(sample)
