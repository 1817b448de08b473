"""Previews come out of the listing: LAZY shows those of a mailbox that somebody has listed, though nobody has asked for
previews yet (RFC 8970 §3.1)."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient

Connect = Callable[..., ImapClient]
_MESSAGES = 40
_SECONDS = 60


def test_previews_that_nobody_has_asked_for(connect: Connect) -> None:
    client = connect()
    for number in range(_MESSAGES):
        client.append(b"Subject: %d\r\n\r\nThe text of number %d.\r\n" % (number, number), "INBOX")
    client.append(MAIL, "INBOX")
    client.ok("SELECT INBOX")
    assert all(b"PREVIEW NIL" in line for line in _fetched(client, "PREVIEW (LAZY)"))
    client.ok("FETCH 1:* (ENVELOPE)")
    end = time.monotonic() + _SECONDS
    while any(b"PREVIEW NIL" in line for line in _fetched(client, "PREVIEW (LAZY)")):
        assert time.monotonic() < end
    lazy = _fetched(client, "UID FLAGS PREVIEW (LAZY)")
    assert b'PREVIEW "The text of number 7."' in lazy[7]
    assert lazy == _fetched(client, "UID FLAGS PREVIEW")
    client.append(b"Subject: another\r\n\r\nNew.\r\n", "INBOX")
    client.ok("NOOP")
    assert b"PREVIEW NIL" in _fetched(client, "PREVIEW (LAZY)")[-1]
    assert b'PREVIEW "New."' in _fetched(client, "PREVIEW")[-1]
    both = _fetched(client, "PREVIEW BODY.PEEK[HEADER.FIELDS (Subject)]", "7:8")
    assert [b"number 6." in both[0], b"number 7." in both[1]] == [True, True]


def _fetched(client: ImapClient, items: str, numbers: str = "1:*") -> list[bytes]:
    return [line for line in client.ok(f"FETCH {numbers} ({items})") if b" FETCH (" in line]
