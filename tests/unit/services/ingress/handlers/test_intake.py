"""A message while it comes in."""

from __future__ import annotations

import pytest

from services.ingress.handlers.intake import Intake
from shared.blobs.errors import BlobError, BlobStoreFull
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import BlobRef

OURS = frozenset({"mx.example.org"})
FORGED = b"Authentication-Results: mx.example.org; spf=pass\r\n"
HEADER = b"From: bob@sender.example\r\nSubject: x\r\n"
BODY = b"a line\r\n" * 100


def taken(message: bytes, size: int, blobs: MemoryBlobs, limit: int = 100_000) -> Intake:
    intake = Intake(blobs.writer(), limit, OURS)
    for start in range(0, len(message), size):
        intake.feed(message[start : start + size])
    return intake


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_what_is_stored_is_what_came_less_the_forged(size: int) -> None:
    blobs = MemoryBlobs("g0001")
    intake = taken(FORGED + HEADER + b"\r\n" + BODY, size, blobs)
    scan = intake.finish()
    stored = await intake.commit(scan)
    assert (await blobs.read(stored.id)).body() == HEADER + b"\r\n" + BODY
    assert scan.size == stored.size == len(HEADER) + 2 + len(BODY)
    assert intake.header.startswith(FORGED)  # DKIM may have signed it


async def test_a_message_that_is_all_header() -> None:
    blobs = MemoryBlobs("g0001")
    intake = taken(HEADER, 5, blobs)
    stored = await intake.commit(intake.finish())
    assert (await blobs.read(stored.id)).body() == HEADER
    assert intake.header == HEADER


def test_a_header_too_large_is_refused_at_the_end() -> None:
    intake = taken(b"X: " + b"x" * 1000, 50, MemoryBlobs("g0001"), limit=500)
    intake.finish()
    assert intake.failure is not None and intake.failure.code == 550


@pytest.mark.parametrize(("error", "code"), [(BlobStoreFull("full"), 452), (BlobError("broken"), 451)])
def test_a_store_that_fails_midway_does_not_raise(error: BlobError, code: int) -> None:
    intake = Intake(_Failing(error), 1000, OURS)
    for _ in range(3):
        intake.feed(HEADER + b"\r\n" + BODY)
    intake.finish()
    assert intake.failure is not None and intake.failure.code == code


class _Failing:
    """Takes nothing."""

    size = 0

    def __init__(self, error: BlobError) -> None:
        self._error = error

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        raise self._error

    async def commit(self, scan: bytes) -> BlobRef:
        raise self._error

    def abort(self) -> None:
        """Nothing to forget."""

    def __enter__(self) -> _Failing:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to forget."""
