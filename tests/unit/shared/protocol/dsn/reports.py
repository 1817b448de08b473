"""A report and its parts, read back by the standard library."""

from __future__ import annotations

import email
import email.parser
from typing import Any

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.report import build

HEADER = b"From: ann@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: <m1@example.org>\r\n\r\n"
ARRIVED = 1_700_000_000_000_000
HOUR = 3_600_000_000
ORIGINAL = Original("q1", "ann@example.org", ARRIVED, HEADER, envid="env-1")
FAILED = RecipientReport("full@example.net", "5.2.2", "the mailbox is full", orcpt="rfc822;Full@example.net")
REPORTER = Reporter("mail.example.org", "postmaster@example.org", ARRIVED + 100_000_000, "c1@mail.example.org", "bd-c1")
DELAYED = RecipientReport(
    "bob@example.net",
    "4.4.1",
    "no server of the domain answers",
    DsnAction.DELAYED,
    remote="mx.example.net",
    last_attempt=ARRIVED + HOUR,
    retry_until=ARRIVED + 120 * HOUR,
)


def report(original: Original = ORIGINAL, *reports: RecipientReport) -> Any:
    return email.message_from_bytes(build(original, reports or (FAILED,), REPORTER))


def parts(original: Original = ORIGINAL, *reports: RecipientReport) -> list[Any]:
    read = report(original, *reports)
    assert read.is_multipart()
    result: list[Any] = read.get_payload()
    return result


def text(original: Original = ORIGINAL, *reports: RecipientReport) -> str:
    value: bytes = parts(original, *reports)[0].get_payload(decode=True)
    return value.decode()


def groups(original: Original = ORIGINAL, *reports: RecipientReport) -> list[dict[str, str]]:
    """The groups of fields of the part for programs."""
    part = parts(original, *reports)[1]
    if part.get_content_type() == "message/delivery-status":
        return [dict(group.items()) for group in part.get_payload()]
    raw = build(original, reports or (FAILED,), REPORTER).split(b"\r\n--bd-c1\r\n")[2].partition(b"\r\n\r\n")[2]
    parser = email.parser.Parser()
    return [dict(parser.parsestr(group).items()) for group in raw.decode().strip().split("\r\n\r\n")]
