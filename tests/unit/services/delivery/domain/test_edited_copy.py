"""What a script changes of a message: in the prefix of the copy where that is enough, else as a message of its own."""

from __future__ import annotations

from services.delivery.domain.edited_copy import MOST_ADDED, EditedParts, divided
from shared.protocol.sieve.actions import MessageEdits
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory

PREFIX = b"Return-Path: <eve@example.net>\r\nX-Spam-Flag: YES\r\nX-Spam-Flag: YES\r\nReceived: by us\r\n"
HEADER = b"From: eve@example.net\r\nSubject: one\r\n two\r\nX-Mailer: old\r\n"
BODY = b"hello\r\n"
MESSAGE = HEADER + b"\r\n" + BODY


def parts(script: str, added: bytes = b"") -> EditedParts:
    """The parts after a script, which saw lines that an earlier one has added."""
    text = f'require ["editheader", "mime", "foreverypart", "replace", "enclose", "variables"];\n{script}'
    outcome = run_script(
        compile_script(text.encode()), message_in_memory(MESSAGE, added + PREFIX), SieveEnvelope(), SieveEnvironment()
    )
    assert outcome.failure is None
    return divided(outcome.edits, added, PREFIX, HEADER + b"\r\n")


def test_lines_on_top_stay_in_the_prefix() -> None:
    assert parts('addheader "X-A" "1"; addheader "X-B" "2";') == EditedParts(b"X-B: 2\r\nX-A: 1\r\n")
    assert parts('addheader "X-A" "1";', b"X-Before: 0\r\n") == EditedParts(b"X-A: 1\r\nX-Before: 0\r\n")


def test_deleting_lines_of_delivery_changes_the_prefix_only() -> None:
    assert parts('deleteheader "X-Spam-Flag";') == EditedParts(
        b"", b"Return-Path: <eve@example.net>\r\nReceived: by us\r\n"
    )
    assert parts('deleteheader "X-Before";', b"X-Before: 0\r\n") == EditedParts()


def test_deleting_fields_of_the_message_makes_a_header_of_its_own() -> None:
    made = parts('deleteheader "X-Mailer"; addheader "X-A" "1";')
    assert made == EditedParts(b"X-A: 1\r\n", None, b"From: eve@example.net\r\nSubject: one\r\n two\r\n")


def test_lines_at_the_end_make_a_header_of_its_own() -> None:
    assert parts('addheader :last "X-A" "1";').header == HEADER + b"X-A: 1\r\n"


def test_very_long_lines_on_top_become_part_of_the_message() -> None:
    long = b"X-A: " + b"a" * MOST_ADDED + b"\r\n"
    made = divided(MessageEdits((long,)), b"", PREFIX, HEADER + b"\r\n")
    assert made == EditedParts(b"", None, long + HEADER)


def test_a_new_body_is_a_message_without_the_lines_of_delivery() -> None:
    made = parts('addheader "X-A" "1"; deleteheader :index 1 "X-Spam-Flag"; replace :subject "new" "other text";')
    assert made.content is not None
    header, _, body = made.content.partition(b"\r\n\r\n")
    assert b"X-Spam-Flag" not in header and b"Received" not in header and b"Return-Path" not in header
    assert b"Subject: new" in header
    assert body.startswith(b"other text")
    assert made.prefix == PREFIX.replace(b"X-Spam-Flag: YES\r\n", b"", 1)


def test_nothing_is_lost_of_a_broken_header() -> None:
    broken = b" leading\r\nno colon\r\nA: 1\r\nB: 2\r\n\r\n"
    made = divided(MessageEdits((b"X: 1\r\n",)), b"", PREFIX, broken)
    assert made == EditedParts(b"X: 1\r\n")
    # The script saw the four lines of the prefix, then A and B.
    assert divided(MessageEdits(deleted=(4,)), b"", PREFIX, broken).header == b"B: 2\r\n"
