"""The status in a notification of another server."""

from __future__ import annotations

import pytest

from shared.protocol.dsn.read import MOST_OCTETS, failed_status

PER_MESSAGE = b"Reporting-MTA: dns; mx.example.net\r\nArrival-Date: Sun, 29 Nov 2026 10:00:00 +0000\r\n\r\n"
FAILED = b"Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (PER_MESSAGE + FAILED, "5.1.1"),
        ((PER_MESSAGE + FAILED).replace(b"\r\n", b"\n"), "5.1.1"),
        (PER_MESSAGE + FAILED.replace(b"failed", b"Failed (mailbox gone)"), "5.1.1"),
        (PER_MESSAGE + FAILED.replace(b"5.1.1", b"5.2.2 (mailbox full)"), "5.2.2"),
        (PER_MESSAGE + FAILED.replace(b"failed", b"delayed").replace(b"5.1.1", b"4.4.1") + b"\r\n" + FAILED, "5.1.1"),
        (PER_MESSAGE + FAILED.replace(b"failed", b"delayed"), ""),
        (PER_MESSAGE + FAILED.replace(b"5.1.1", b"no such user"), ""),
        (PER_MESSAGE, ""),
        (b"", ""),
        (b"\xff\x00" * 100, ""),
    ],
)
def test_the_first_recipient_that_failed_counts(report: bytes, status: str) -> None:
    assert failed_status(report) == status


def test_a_report_without_end_is_read_to_a_bound() -> None:
    assert failed_status(b"X: y\r\n\r\n" * MOST_OCTETS + FAILED) == ""
