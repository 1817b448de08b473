"""NUL octets stay in the message, do not stop any reading, and are in nothing that is sent or stored in a row."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.domain.features import features
from shared.protocol.message.scan import Scan, scan
from shared.protocol.message.search_texts import field_texts, header_texts
from shared.protocol.message.text import preview, readable_parts, urls
from tests.unit.shared.protocol.message.consistency import check
from tests.unit.shared.protocol.message.test_search_texts import text

MAIL = (
    b'From: \0Ann <a\0nn@ex\0ample.org>\r\nTo: g\0: "x\0y"@z;\r\nSubject: a\0b =?utf-8?q?=00?=\r\n\0X: y\r\n'
    b"Message-ID: <i\0d@x>\r\nReferences: <r\0@x> <s@\0>\r\nIn-Reply-To: <\0@x>\r\nDate: \0 1 Jan 2026\r\n"
    b'Content-Type: multipart/mixed; bound\0ary=no; boundary="b\0"; x\0="\0"\r\n\r\n'
    b"--b\0\r\nContent-Type: te\0xt/plain\r\nContent-ID: <\0>\r\nContent-Location: \0\r\nContent-MD5: "
    b"\0\r\n\r\none\0\r\n"
    b'--b\0\r\nContent-Type: text/html; charset="\0"\r\nContent-Description: \0d\r\n'
    b"Content-Disposition: attachment; filename=\"a\0.txt\"; filename*0*=utf-8''%00\r\nContent-Language: d\0e\r\n"
    b'Content-Transfer-Encoding: \0base64\r\n\r\n<p>two\0 <a href="http://x\0.example/">l\0</a>\r\n'
    b"--b\0\r\nContent-Type: message/rfc822\r\n\r\nFrom: \0@\0\r\nSubject: \0\r\n\r\n\0\r\n--b\0--\r\n"
)


def values(result: Any) -> list[Any]:
    """All values of a scan, in a flat list."""
    if isinstance(result, dict):
        result = list(result.values())
    return [inner for value in result for inner in values(value)] if isinstance(result, list | tuple) else [result]


def without_nul(result: Scan) -> bool:
    return not any(
        (isinstance(value, bytes) and b"\0" in value) or (isinstance(value, str) and "\0" in value)
        for value in values(msgspec.to_builtins(result, builtin_types=(bytes,)))
    )


def test_no_nul_leaves_the_scan() -> None:
    """Neither in what is sent (RFC 3501 §9, CHAR8) nor in a row: PostgreSQL allows no NUL in a text."""
    scanned = scan(MAIL)
    check(scanned, MAIL)
    assert without_nul(scanned)
    assert [part.number for part in scanned.parts] == ["", "1", "2", "3", "3.1"]


def test_what_is_around_a_nul_is_there() -> None:
    scanned = scan(MAIL)
    assert (scanned.subject, scanned.message_id) == ("a b  ", "i d@x")
    assert scanned.parts[2].filename == " "
    assert MAIL[scanned.parts[1].body_start : scanned.parts[1].body_end] == b"one\0"


def test_search_and_preview_go_past_it() -> None:
    assert "\0" not in "".join((*header_texts(MAIL), *field_texts(MAIL, "from"), *field_texts(MAIL, "subject")))
    assert "two" in text(MAIL)
    scanned = scan(MAIL)
    assert preview(MAIL, scanned)
    assert list(readable_parts(MAIL, scanned))


def test_links_end_at_it() -> None:
    data = b"Content-Type: text/html\r\n\r\nhttp://x.example/\0y"
    assert urls(data, scan(data)) == ["http://x.example/"]


def test_the_classifier_reads_it_and_names_no_nul() -> None:
    data = MAIL.replace(b"Content-Transfer-Encoding: \0base64\r\n", b"").replace(
        b"<p>", b"<p><font color='\0a' face=\0>x "
    )
    result = features(data, scan(data))
    assert "two" in result.names.every()
    assert not any("\0" in name for name in result.names.every())


@given(
    st.lists(st.sampled_from([b"\0", b"From: ", b"<", b"@", b">", b"\r\n", b"Content-Type: ", b";a=", b'"', b"m/x"]))
)
def test_nul_at_any_place(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    scanned = scan(data)
    check(scanned, data)
    assert without_nul(scanned)


@pytest.mark.parametrize("name", ["text/ht\0ml", "\0text/html", "text/html\0"])
def test_in_a_type(name: str) -> None:
    data = b"Content-Type: " + name.encode() + b"\r\n\r\nx"
    assert without_nul(scan(data))
