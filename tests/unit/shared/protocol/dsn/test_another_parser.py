"""Reports are read by a parser that is not ours: flufl.bounce, which mailing lists use to find dead addresses."""

from __future__ import annotations

from email import message_from_bytes

import pytest
from flufl.bounce import all_failures
from flufl.bounce._detectors.dsn import DSN

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport
from shared.protocol.dsn.report import build
from tests.unit.shared.protocol.dsn.reports import ORIGINAL, REPORTER

FAILED = RecipientReport("bob@far.example", "5.1.1", "550 5.1.1 no such user", remote="mx.far.example")
RENAMED = RecipientReport("new@far.example", "5.2.2", "the mailbox is full", orcpt="rfc822;old@list.example")
DELAYED = RecipientReport("eve@slow.example", "4.4.1", "no connection in time", DsnAction.DELAYED)
DELIVERED = RecipientReport("cat@example.org", "2.0.0", "stored in the mailbox", DsnAction.DELIVERED)
RELAYED = RecipientReport("dan@old.example", "2.0.0", "handed over", DsnAction.RELAYED)
ODD = RecipientReport("bob@far.example", "5.1.1", "said «é\r\n\x1b[31m» and\tmore; and, (this)", reply="550 a\n\xff")


@pytest.mark.parametrize(
    ("reports", "delayed", "failed"),
    [
        ([FAILED], set(), {b"bob@far.example"}),
        ([RENAMED], set(), {b"old@list.example"}),
        ([DELAYED], {b"eve@slow.example"}, set()),
        ([FAILED, DELAYED, RENAMED], {b"eve@slow.example"}, {b"bob@far.example", b"old@list.example"}),
        ([DELIVERED, RELAYED], set(), set()),
        ([ODD], set(), {b"bob@far.example"}),
    ],
)
def test_another_parser_finds_the_recipients_and_what_became_of_them(
    reports: list[RecipientReport], delayed: set[bytes], failed: set[bytes]
) -> None:
    message = message_from_bytes(build(ORIGINAL, reports, REPORTER))
    assert DSN().process(message) == (frozenset(delayed), frozenset(failed))
    assert all_failures(message) == (frozenset(delayed), frozenset(failed))


def test_another_parser_reads_a_report_with_very_many_recipients() -> None:
    reports = [RecipientReport(f"r{number}@far.example", "5.1.1", "no such user") for number in range(500)]
    original = Original("q1", "ann@example.org", 1, b"Subject: Hello\r\n\r\n", 1000 * b"A line.\r\n")
    _, failed = all_failures(message_from_bytes(build(original, reports, REPORTER)))
    assert failed == {report.recipient.encode() for report in reports}
