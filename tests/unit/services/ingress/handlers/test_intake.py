"""A message while it is received."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from services.ingress.handlers.intake import Intake
from shared.blobs.errors import BlobError, BlobStoreFull
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import BlobRef
from shared.protocol.message import finder
from shared.protocol.smtp import replies

OURS = frozenset({"mx.example.org"})
FORGED = b"Authentication-Results: mx.example.org; spf=pass\r\n"
HEADER = b"From: bob@sender.example\r\nSubject: x\r\n"
BODY = b"a line\r\n" * 100


def taken(message: bytes, size: int, blobs: MemoryBlobs, limit: int = 100_000, *, submitted: bool = False) -> Intake:
    intake = Intake(blobs.writer(), limit, OURS, submitted=submitted)
    for start in range(0, len(message), size):
        intake.feed(message[start : start + size])
    return intake


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_what_is_stored_is_what_came_less_the_forged(size: int) -> None:
    blobs = MemoryBlobs("g0001")
    intake = taken(FORGED + HEADER + b"\r\n" + BODY, size, blobs)
    scan = await intake.finish()
    stored = await intake.commit(scan)
    assert (await blobs.read(stored.id)).body() == HEADER + b"\r\n" + BODY
    assert scan.size == stored.size == len(HEADER) + 2 + len(BODY)
    assert intake.header.startswith(FORGED)  # it may be signed by DKIM


BLIND = [
    b"Bcc: carl@elsewhere.example\r\n",
    b"BCC:\r\n\tcarl@elsewhere.example,\r\n dora@elsewhere.example\r\n",
    b"bcc \t: Friends: carl@elsewhere.example;\r\n",
    b"Resent-Bcc: carl@elsewhere.example\r\n",
    b"Bcc:\r\n",
]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("rest", [b"\r\n" + BODY, b"\r\n", b""], ids=["body", "no body", "no blank line"])
@pytest.mark.parametrize("blind", [*BLIND, b"".join(BLIND)])
async def test_blind_recipients_of_a_submission_are_in_no_blob(blind: bytes, rest: bytes, size: int) -> None:
    """The field is removed before anything is written, so blob, size and scan belong to the same text."""
    blobs = MemoryBlobs("g0001")
    intake = taken(b"To: ann@example.org\r\n" + blind + HEADER + rest, size, blobs, submitted=True)
    scan = await intake.finish()
    stored = await intake.commit(scan)
    text = b"To: ann@example.org\r\n" + HEADER + rest
    assert (await blobs.read(stored.id)).body() == text
    assert scan.size == stored.size == len(text)


async def test_what_only_looks_like_bcc_stays() -> None:
    """A folded value of another field, a similar name, the body, and the header of an attached message."""
    header = b"Subject: to all\r\n Bcc: x\r\nX-Bcc: x\r\nBcc-Note: x\r\n"
    attached = b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nBcc: dora@elsewhere.example\r\n\r\nhi\r\n--b--\r\n"
    blobs = MemoryBlobs("g0001")
    intake = taken(header + attached, 100_000, blobs, submitted=True)
    stored = await intake.commit(await intake.finish())
    assert (await blobs.read(stored.id)).body() == header + attached


async def test_bcc_of_a_received_mail_stays_and_may_be_signed() -> None:
    blobs = MemoryBlobs("g0001")
    intake = taken(BLIND[0] + HEADER + b"\r\n" + BODY, 100_000, blobs)
    stored = await intake.commit(await intake.finish())
    assert (await blobs.read(stored.id)).body() == BLIND[0] + HEADER + b"\r\n" + BODY
    assert intake.authorship is not None


@pytest.mark.parametrize("submitted", [False, True])
@pytest.mark.parametrize("size", [1, 100_000])
async def test_nul_is_kept_as_it_came(size: int, submitted: bool) -> None:
    """In header and body: signatures stay valid, and NUL is replaced on output."""
    message = b"Subject: a\0b\r\n\0: c\r\n\r\n\0a\r\n.\0\r\n"
    blobs = MemoryBlobs("g0001")
    intake = taken(message, size, blobs, submitted=submitted)
    scan = await intake.finish()
    stored = await intake.commit(scan)
    assert intake.failure is None
    assert (await blobs.read(stored.id)).body() == message
    assert scan.size == len(message)


async def test_a_message_that_is_all_header() -> None:
    blobs = MemoryBlobs("g0001")
    intake = taken(HEADER, 5, blobs)
    stored = await intake.commit(await intake.finish())
    assert (await blobs.read(stored.id)).body() == HEADER
    assert intake.header == HEADER


async def test_a_header_too_large_is_refused_at_the_end() -> None:
    intake = taken(b"X: " + b"x" * 1000, 50, MemoryBlobs("g0001"), limit=500)
    await intake.finish()
    assert intake.failure == replies.header_too_large(500)


@pytest.mark.parametrize(
    "header",
    [b"a:\r\n" * 2001, b"Subject: x\r\n" + b" y\r\n" * 10_000, b"From: ann@example.org\r\n" * 5000],
    ids=["fields", "lines", "authors"],
)
async def test_a_header_of_very_many_lines_is_refused_unread(header: bytes) -> None:
    """Well below the limit in octets: 65,000 fields in 256 KiB took 0.7 s."""
    intake = taken(header + b"\r\n" + BODY, 100_000, MemoryBlobs("g0001"), limit=1_000_000)
    await intake.finish()
    assert intake.failure == replies.too_many_header_fields()
    assert intake.authorship is None


@pytest.mark.parametrize("header", [b"a:\r\n" * 1999, b"To: a@b.example,\r\n" + b"\tc@d.example,\r\n" * 5000])
async def test_a_header_of_many_lines_passes(header: bytes) -> None:
    intake = taken(header + b"\r\n" + BODY, 100_000, MemoryBlobs("g0001"), limit=1_000_000)
    await intake.finish()
    assert intake.failure is None


@pytest.mark.parametrize(("error", "code"), [(BlobStoreFull("full"), 452), (BlobError("broken"), 451)])
async def test_a_store_that_fails_midway_does_not_raise(error: BlobError, code: int) -> None:
    intake = Intake(_Failing(error), 1000, OURS)
    for _ in range(3):
        intake.feed(HEADER + b"\r\n" + BODY)
    await intake.finish()
    assert intake.failure is not None and intake.failure.code == code


class _Failing:
    """A blob writer that always fails."""

    size = 0

    def __init__(self, error: BlobError) -> None:
        self._error = error

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        raise self._error

    async def commit(self, scan: bytes) -> BlobRef:
        raise self._error

    def abort(self) -> None:
        """Do nothing."""

    def __enter__(self) -> _Failing:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


async def test_an_unforeseen_error_in_the_scan_refuses_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message becomes one plain part, and a log entry names the blob.

    Before, the client was told to try again each time.
    """

    def fails(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(finder, "parse_type", fails)
    blobs = MemoryBlobs("g0001")
    intake = taken(HEADER + b"\r\n" + BODY, 50, blobs)
    scan = await intake.finish()
    with capture_logs() as logs:
        stored = await intake.commit(scan)
    assert intake.failure is None
    assert [part.content_type for part in scan.parts] == ["text/plain"]
    assert (scan.subject, scan.size, scan.root.lines) == ("x", stored.size, 100)
    assert [(entry["event"], entry["blob"]) for entry in logs] == [("scan.failed", stored.id)]
