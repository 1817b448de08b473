"""Messages whose scan was stored by another version, and messages whose scan fails in an unforeseen way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from shared.blobs.port import Blobs
from shared.protocol.message import finder
from shared.protocol.message.scan import SCANNER_VERSION, stored_version
from tests.harness.waiting import until
from tests.integration.access.conftest import Connect
from tests.integration.access.imap_server import ImapServer

MAIL = (
    b"From: joe(home)@far.example\r\nSubject: kept\r\nContent-Type: multipart/mixed; (note) boundary=x\r\n\r\n"
    b"--x\r\n\r\nthe first\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>the second</p>\r\n--x--\r\n"
)
ASKED = ["FETCH 1 (ENVELOPE BODYSTRUCTURE)", "FETCH 1 (BODY.PEEK[1] BODY.PEEK[2.MIME] BINARY.SIZE[2])"]
OLD = {
    "another shape": msgspec.msgpack.encode([0, 12, {"parts": ["all", "was", "different"]}]),
    "an older version": msgspec.msgpack.encode([SCANNER_VERSION - 1, len(MAIL), 10, False, False]),
    "a newer version": msgspec.msgpack.encode([SCANNER_VERSION + 1, "all", "is", "new"]),
    "none": b"",
}


async def _stored(blobs: Blobs) -> dict[str, bytes]:
    return {blob: (await blobs.read(blob)).scan async for blob in blobs.list(blobs.generation)}


async def _replace_all(blobs: Blobs, scan: bytes) -> None:
    for blob in await _stored(blobs):
        await blobs.replace_scan(blob, scan)  # type: ignore[arg-type]


@pytest.mark.parametrize("old", OLD.values(), ids=OLD)
def test_a_scan_of_another_version_is_no_fault(server: ImapServer, connect: Connect, old: bytes) -> None:
    """FETCH and SEARCH answer as before, and the new scan is stored. Before, the session ended."""
    session = connect()
    session.append(MAIL)
    session.ok("SELECT INBOX")
    before = [session.ok(asked) for asked in ASKED]
    assert server.host is not None
    server.run(_replace_all(server.host.blobs, old))
    assert [session.ok(asked) for asked in ASKED] == before
    server.run(_replace_all(server.host.blobs, old))
    for sought in ("FROM joe@far.example", "BODY second", "TEXT text/html", "HEADER Subject kept"):
        assert session.ok(f"SEARCH {sought}") == [b"* SEARCH 1"]
    blobs = server.host.blobs
    until(lambda: {*map(stored_version, server.run(_stored(blobs)).values())} == {SCANNER_VERSION}, "new scans")


def test_an_unforeseen_error_refuses_no_append(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message becomes one plain part without loss, and the log names its blob.

    Before, the session ended with BYE.
    """

    def fails(*_: Any) -> Any:
        raise RuntimeError("unforeseen")

    session = connect()
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(finder, "parse_type", fails)
        session.append(MAIL)
        session.ok("NOOP")
    failed = [entry for entry in logs if entry["event"] == "scan.failed"]
    assert len(failed) == 1 and failed[0]["blob"].startswith("g0001/")
    session.ok("SELECT INBOX")
    assert session.ok("FETCH 1 BODY.PEEK[]") == [b"* 1 FETCH (BODY[] {%d}\r\n%b)" % (len(MAIL), MAIL)]
    assert b'"kept"' in session.ok("FETCH 1 ENVELOPE")[0]
    assert session.ok("FETCH 1 BODY")[0].startswith(b'* 1 FETCH (BODY ("text" "plain" ')
