"""The header of a changed text: fields change in one step, and everything else is kept."""

from __future__ import annotations

import pytest

from shared.protocol.message.mail_signature.outcome import CannotPlace
from shared.protocol.message.mail_signature.part_fields import changed_fields, check_fields

PLAIN = "text/plain"


def changed(block: bytes, charset: str = "", encoding: str = "", *, is_message: bool = False) -> bytes:
    return changed_fields(block, PLAIN, charset, encoding, is_message=is_message)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"text/plain", b"text/plain; charset=utf-8"),
        (b"text/plain;", b"text/plain; charset=utf-8"),
        (b"text/plain; charset=koi8-r", b"text/plain; charset=utf-8"),
        (b'text/plain;charset="koi8-r";format=flowed', b"text/plain; charset=utf-8;format=flowed"),
        (b"text/plain;\r\n\tCHARSET = koi8-r ;\r\n x=y", b"text/plain; charset=utf-8 ;\r\n x=y"),
        (b'text/plain; x="; charset=a"', b'text/plain; x="; charset=a"; charset=utf-8'),
        (b"text/plain; x=y (; charset=a)", b"text/plain; x=y (; charset=a); charset=utf-8"),
        (b"text/plain; charset=a; charset=b", b"text/plain; charset=utf-8"),
        (b"text/plain; charset*=us-ascii''a", b"text/plain; charset=utf-8"),
        (b'text/plain; charset="koi8', b"text/plain; charset=utf-8"),
    ],
)
def test_the_charset_is_replaced(before: bytes, after: bytes) -> None:
    block = b"X: 1\r\nContent-Type: " + before + b"\r\nY: 2\r\n\r\n"
    assert changed(block, "utf-8") == b"X: 1\r\nContent-Type: " + after + b"\r\nY: 2\r\n\r\n"


def test_several_encodings_become_one() -> None:
    block = b"Content-Transfer-Encoding: 7bit\r\nX: 1\r\ncontent-transfer-encoding:\r\n 8bit\r\n\r\n"
    assert changed(block, encoding="base64") == b"Content-Transfer-Encoding: base64\r\nX: 1\r\n\r\n"


def test_missing_fields_are_added_behind_the_last_one() -> None:
    added = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
    assert changed(b"\r\n", "utf-8", "base64") == added + b"\r\n"
    assert changed(b"X: 1\n\n", "utf-8", "base64") == b"X: 1\n" + added + b"\n"
    assert changed(b"X: 1", "utf-8", "base64", is_message=True) == (b"X: 1\r\n" + added + b"MIME-Version: 1.0\r\n\r\n")


def test_nothing_changes_without_need() -> None:
    block = b"junk\r\nContent-Type: text/plain; charset=a\r\nContent-MD4: x\r\n\r\n"
    assert changed(block, is_message=True) == block


def test_a_digest_of_the_old_text_is_removed() -> None:
    assert changed(b"Content-MD5: x\r\nX: 1\r\n\r\n") == b"X: 1\r\n\r\n"


@pytest.mark.parametrize(
    "block",
    [
        b"Content-Type: text/html\r\n\r\n",
        b"Content-Type: text/plainer\r\n\r\n",
        b"Content-Type: text/plain\r\nContent-type: text/plain\r\n\r\n",
        b"Content-Type: text/plain\r\n",
        b"",
    ],
)
def test_a_header_that_could_be_read_otherwise_is_refused(block: bytes) -> None:
    with pytest.raises(CannotPlace):
        check_fields(block, PLAIN, "1", is_message=False)


@pytest.mark.parametrize("block", [b"\r\n", b"\n", b"Content-Type:\r\n (c) Text / PLAIN ; x\r\n\r\n"])
def test_a_clear_header_is_accepted(block: bytes) -> None:
    check_fields(block, PLAIN, "1", is_message=False)
