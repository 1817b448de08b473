"""Replies, refusals and provenance are the same in-process and over gRPC."""

from __future__ import annotations

import pytest

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.transaction import VersionConflict
from shared.grpc.call import acting, caller, current_provenance
from shared.grpc.errors import Conflict, Denied, InternalError, Invalid, ServiceError, Unauthenticated, Unavailable
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb
from tests.contract.rpc.conftest import Connect
from tests.contract.rpc.sample import SECRET, Sample

ASK = pb.DeadLetterRequest(id="l1")
BLOBS = pb.ReferencedBlobsRequest(generation="g1")
PROVENANCE = Provenance(
    Actor("account", "a1", "app password é", "s1", "2001:db8::1"), "delivery.3.17", "q0001", "c0001"
)
REFUSALS = sorted(ServiceError.__subclasses__(), key=lambda kind: kind.__name__)


async def test_a_reply_comes_as_it_was_given(connect: Connect) -> None:
    reply = await connect().ShowDeadLetter(ASK)
    assert (reply.id, reply.payload) == ("l1", b"\x00\xff")


async def test_a_stream_comes_in_order(connect: Connect) -> None:
    assert [batch.ids[0] async for batch in connect().ReferencedBlobs(BLOBS)] == ["g1/0", "g1/1", "g1/2"]


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refusal_keeps_class_reason_and_message(
    connect: Connect, sample: Sample, kind: type[ServiceError]
) -> None:
    sample.failure = kind("Größe: 100 %\nof «limit»", "over-limit")
    with pytest.raises(ServiceError) as caught:
        await connect().ShowDeadLetter(ASK)
    assert (type(caught.value), caught.value.reason, caught.value.message) == (
        kind,
        "over-limit",
        "Größe: 100 %\nof «limit»",
    )


@pytest.mark.parametrize("message", ["x" * 100_000, "𝄞" * 100_000, "\ud800"])
async def test_a_refusal_of_any_length_keeps_its_class(connect: Connect, sample: Sample, message: str) -> None:
    sample.failure = Invalid(message, "long")
    with pytest.raises(Invalid) as caught:
        await connect().ShowDeadLetter(ASK)
    assert caught.value.reason == "long"


async def test_a_refusal_behind_the_first_batches_of_a_stream(connect: Connect, sample: Sample) -> None:
    sample.failure = Conflict("moved", "version")
    seen = []
    with pytest.raises(Conflict) as caught:
        async for batch in connect().ReferencedBlobs(BLOBS):
            seen += batch.ids
    assert (len(seen), caught.value.reason) == (3, "version")


@pytest.mark.parametrize(
    ("failure", "kind", "reason"),
    [
        (StoreUnavailable("the disk is full"), Unavailable, "store"),
        (VersionConflict("a1 is at 7"), Conflict, "version"),
    ],
)
async def test_what_the_store_raises_is_translated(
    connect: Connect, sample: Sample, failure: Exception, kind: type[ServiceError], reason: str
) -> None:
    sample.failure = failure
    with pytest.raises(kind) as caught:
        await connect().ShowDeadLetter(ASK)
    assert (caught.value.reason, caught.value.message) == (reason, str(failure))


async def test_an_unforeseen_fault_does_not_reveal_its_text(connect: Connect, sample: Sample) -> None:
    sample.failure = RuntimeError(SECRET)
    with pytest.raises(InternalError) as caught:
        await connect().ShowDeadLetter(ASK)
    assert SECRET not in caught.value.message
    with pytest.raises(InternalError) as caught:
        [batch async for batch in connect().ReferencedBlobs(BLOBS)]
    assert (SECRET not in caught.value.message, caught.value.reason) == (True, "fault")


async def test_the_provenance_arrives(connect: Connect, sample: Sample) -> None:
    stub = connect()
    with acting(PROVENANCE):
        await stub.ShowDeadLetter(ASK)
        [batch async for batch in stub.ReferencedBlobs(BLOBS)]
    assert sample.seen == [("operator", PROVENANCE), ("operator", PROVENANCE)]
    assert (caller(), current_provenance().actor.kind) == ("", "system")


async def test_provenance_with_any_characters_arrives(connect: Connect, sample: Sample) -> None:
    result = Provenance(Actor("remote"), " «ursache» ", "q1\n", "append-Größe")
    with acting(result):
        await connect().ShowDeadLetter(ASK)
    assert sample.seen == [("operator", result)]


async def test_a_caller_outside_the_table_is_denied(connect: Connect, sample: Sample) -> None:
    stub = connect("access")
    with pytest.raises(Denied) as caught:
        await stub.ShowDeadLetter(ASK)
    assert caught.value.reason == "policy"
    with pytest.raises(Denied):
        [batch async for batch in stub.ReferencedBlobs(BLOBS)]
    assert sample.seen == []


async def test_what_a_service_does_not_do_is_an_error(connect: Connect) -> None:
    with pytest.raises(ServiceError):
        await connect().Report(pb.ReportRequest())


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("operator", "wrong"),
        ("operator", ""),
        ("nobody", ""),
        ("nobody", "-"),
        ("", ""),
        ("access", "secret of the operator"),
    ],
)
async def test_a_wrong_credential_is_refused(remote: Connect, sample: Sample, name: str, secret: str) -> None:
    stub = remote(name, secret)
    with pytest.raises(Unauthenticated):
        await stub.ShowDeadLetter(ASK)
    with pytest.raises(Unauthenticated):
        [batch async for batch in stub.ReferencedBlobs(BLOBS)]
    assert sample.seen == []


async def test_an_abandoned_stream_is_closed(connect: Connect, sample: Sample) -> None:
    stream = connect().ReferencedBlobs(BLOBS)
    await anext(stream)
    await stream.aclose()
    assert [batch async for batch in connect().ReferencedBlobs(BLOBS)]
    assert sample.closed == 2
