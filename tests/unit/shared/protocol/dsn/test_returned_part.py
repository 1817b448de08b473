"""What comes back of the mail: the header, all of it, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original
from shared.protocol.dsn.report import build
from tests.unit.shared.protocol.dsn.reports import DELAYED, FAILED, HEADER, ORIGINAL, REPORTER, parts

WITH_BODY = Original("q1", "ann@example.org", 0, HEADER, b"Hello.\r\n")


def third(original: Original, action: DsnAction = DsnAction.FAILED) -> Any:
    return parts(original, msgspec.structs.replace(FAILED, action=action))[2]


def test_the_header_comes_back_with_its_octets() -> None:
    returned = build(ORIGINAL, (FAILED,), REPORTER).split(b"Content-Type: text/rfc822-headers\r\n", 1)[1]
    assert returned == b"Content-Transfer-Encoding: 8bit\r\n\r\n" + HEADER[:-2] + b"\r\n--bd-c1--\r\n"


def test_ret_full_returns_the_message_of_a_failure() -> None:
    returned = third(WITH_BODY)
    assert returned.get_content_type() == "message/rfc822"
    (inner,) = returned.get_payload()
    assert (inner["Message-ID"], inner.get_payload()) == ("<m1@example.org>", "Hello.\r\n")


@pytest.mark.parametrize("action", [action for action in DsnAction if action is not DsnAction.FAILED])
def test_only_a_failure_returns_the_message(action: DsnAction) -> None:
    """RFC 3461 §4.3: RET applies to failures."""
    assert third(WITH_BODY, action).get_content_type() == "text/rfc822-headers"


def test_a_withheld_content_is_not_returned() -> None:
    data = build(msgspec.structs.replace(WITH_BODY, content_withheld=True), (FAILED,), REPORTER)
    assert b"Hello." not in data
    assert b"text/rfc822-headers" in data
    bare = msgspec.structs.replace(WITH_BODY, content_withheld=True, header=b"")
    assert [part.get_content_type() for part in parts(bare)] == ["text/plain", "message/delivery-status"]


@pytest.mark.parametrize("body", [b"z" * 300_000, b"a\0b\r\n", b"a\nb\r\n"])
def test_a_large_or_binary_message_comes_back_as_its_header(body: bytes) -> None:
    data = build(msgspec.structs.replace(WITH_BODY, body=body), (FAILED,), REPORTER)
    assert b"text/rfc822-headers" in data
    assert len(data) < 3000


def test_a_large_header_comes_back_in_whole_fields_that_fit() -> None:
    header = b"X: " + b"y" * 200_000 + b"\r\n" + b"Received: z\r\n" * 10_000 + b"Subject: last\r\n\r\n"
    data = build(Original("q1", "ann@example.org", 0, header, b"z"), (FAILED,), REPORTER)
    returned = data.split(b"text/rfc822-headers", 1)[1]
    assert 64 * 1024 - 20 < returned.count(b"Received: z\r\n") * 13 <= 64 * 1024
    assert b"yyy" not in data


def test_line_ends_of_the_header_are_corrected() -> None:
    original = Original("q1", "ann@example.org", 0, b"Subject: a\nX: b\rBcc: c\n\n")
    assert build(original, (FAILED,), REPORTER).endswith(b"\r\n\r\nSubject: a\r\nX: b Bcc: c\r\n\r\n--bd-c1--\r\n")


def test_everything_of_a_plain_mail_is_seven_bit() -> None:
    original = Original("q1", "ann@example.org", 0, b"Subject: x\r\n", b"Hello.\r\n")
    data = build(original, (FAILED, DELAYED), REPORTER)
    assert data.isascii()
    assert data.count(b"Content-Transfer-Encoding: 7bit\r\n") == 4
    assert b"8bit" not in data
