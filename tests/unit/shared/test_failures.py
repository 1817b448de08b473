"""One table classifies every error."""

from __future__ import annotations

import errno

import grpc
import msgspec
import pytest

from shared.blobs.errors import BlobDamaged, BlobMissing, BlobStoreFull, BlobTooLarge
from shared.bus.errors import BusRefused, BusUnavailable, DeliveriesExhausted
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import UnknownEvent
from shared.eventstore.transaction import VersionConflict
from shared.failures import Failure, deciding, failure_of
from shared.grpc import errors
from shared.grpc.errors import from_rpc, to_details

_OF_CALLS = {
    errors.Unavailable: Failure.UNAVAILABLE,
    errors.TimedOut: Failure.UNAVAILABLE,
    errors.Conflict: Failure.UNAVAILABLE,
    errors.LimitReached: Failure.UNAVAILABLE,
    errors.Unauthenticated: Failure.UNAVAILABLE,
    errors.Invalid: Failure.REFUSED,
    errors.AlreadyExists: Failure.REFUSED,
    errors.Denied: Failure.REFUSED,
    errors.NotFound: Failure.UNFORESEEN,
    errors.NotNow: Failure.UNFORESEEN,
    errors.InternalError: Failure.UNFORESEEN,
}
_OTHERS = [
    (BusUnavailable(), Failure.UNAVAILABLE),
    (BusRefused(), Failure.REFUSED),
    (DeliveriesExhausted(), Failure.REFUSED),
    (StoreUnavailable("database is locked"), Failure.UNAVAILABLE),
    (VersionConflict(), Failure.UNAVAILABLE),
    (UnknownEvent(), Failure.REFUSED),
    (msgspec.ValidationError(), Failure.REFUSED),
    (OSError(errno.ENOSPC, "no space"), Failure.UNAVAILABLE),
    (ConnectionResetError(), Failure.UNAVAILABLE),
    (TimeoutError(), Failure.UNAVAILABLE),
    (MemoryError(), Failure.UNAVAILABLE),
    (BlobStoreFull(), Failure.UNAVAILABLE),
    (BlobMissing("g1/00"), Failure.UNFORESEEN),
    (BlobDamaged("g1/00", "length"), Failure.UNFORESEEN),
    (BlobTooLarge(1), Failure.REFUSED),
    (KeyError("x"), Failure.UNFORESEEN),
    (ValueError("x"), Failure.UNFORESEEN),
]


@pytest.mark.parametrize("kind", errors.ServiceError.__subclasses__())
def test_every_answer_of_a_call(kind: type[errors.ServiceError]) -> None:
    assert failure_of(kind("said")) is _OF_CALLS[kind]


@pytest.mark.parametrize(("error", "failure"), _OTHERS, ids=lambda value: type(value).__name__)
def test_every_other_error(error: Exception, failure: Failure) -> None:
    assert failure_of(error) is failure


def test_while_one_part_is_unavailable_the_whole_is_tried_again() -> None:
    away, refused, bug = errors.Unavailable("away"), errors.Invalid("no"), KeyError()
    assert deciding([refused, bug, away]) is away
    assert deciding([refused, bug]) is bug


def _rpc(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_what_the_transport_says_refuses_nothing(code: grpc.StatusCode) -> None:
    """A broken stream is INTERNAL, and an exhausted transport RESOURCE_EXHAUSTED.

    When they were taken for our own errors, the one became a dead letter and the other bounced mail as if a mailbox
    were full.
    """
    assert failure_of(from_rpc(_rpc(code, "Received RST_STREAM with error code 2"))) is Failure.UNAVAILABLE


@pytest.mark.parametrize("kind", errors.ServiceError.__subclasses__())
def test_what_a_service_says_keeps_its_kind(kind: type[errors.ServiceError]) -> None:
    assert type(from_rpc(_rpc(grpc.StatusCode[kind.status], to_details(kind("said", "why"))))) is kind
