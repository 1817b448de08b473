"""Content-*, Date and address values with comments wherever the grammar allows them (RFC 2045 §5.1, RFC 5322)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.protocol.message.content import MAX_VALUE, parse_content, parse_parameters, parse_type
from shared.protocol.message.dates import parse_date, written_day
from shared.protocol.message.envelope import message_ids
from shared.protocol.message.scan import scan
from shared.protocol.message.words import decode_parameters
from tests.unit.shared.protocol.message.consistency import check

BODY = b"\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: image/png; name=x.png\r\n\r\npng\r\n--b--\r\n"


@pytest.mark.parametrize(
    "value",
    [
        b"multipart/mixed; (note) boundary=b",
        b"multipart/mixed; boundary=b(note)",
        b"(no(te)) multipart/mixed; boundary=b",
        b"multipart/mixed (a note; boundary=c) ; boundary=b",
        b"multipart(n)/(o)mixed(t);(e)boundary(s)=(x)b(y)",
        b'multipart/mixed; boundary="b"(note)',
        b'multipart/mixed; boundary=(note)"b"',
        rb"multipart/mixed; (\)\() boundary=b",
        b'multipart/mixed; ("un; quoted) boundary=b',
        b'multipart/mixed; x="("; boundary=b',
        b"multipart/mixed; boundary=b; note (never closed",
        b"multipart/mixed (never closed; boundary=b",
        b"multipart/mixed;\r\n (a\r\n note) boundary=b",
        b"(one)(two) (three)multipart/mixed; boundary=b",
        b"multipart/mixed; boundary=b (\\",
    ],
)
def test_a_comment_never_loses_the_parts(value: bytes) -> None:
    data = b"Content-Type: " + value + b"\r\n" + BODY
    scanned = scan(data)
    assert [part.content_type for part in scanned.parts] == ["multipart/mixed", "text/plain", "image/png"]
    assert scanned.has_attachments
    check(scanned, data)


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        (b"text/plain (Plain; name=evil.exe)", {}),
        (b"text/plain; charset=us-ascii (Plain text)", {b"charset": b"us-ascii"}),
        (b'text/plain; charset="us-ascii"', {b"charset": b"us-ascii"}),
        (b"text/plain; (x=y) charset=utf-8; (name=evil.exe)", {b"charset": b"utf-8"}),
        (b'text/plain; name="a (b).txt"', {b"name": b"a (b).txt"}),
        (rb'text/plain; name="a\"(b\").txt"', {b"name": b'a"(b").txt'}),
        (b"text/plain; name=report (1).pdf; charset=utf-8", {b"name": b"report (1).pdf", b"charset": b"utf-8"}),
        (b"text/plain; name=report(1).pdf", {b"name": b"report(1).pdf"}),
        (b"text/plain; name=report.pdf (the minutes)", {b"name": b"report.pdf"}),
        (b"text/plain; name=report.pdf (a; name=evil.exe) (b)", {b"name": b"report.pdf"}),
        (b"text/plain; name=(the minutes) report.pdf", {b"name": b"report.pdf"}),
        (b"text/plain; name=smile:(.txt; charset=utf-8", {b"name": b"smile:(.txt", b"charset": b"utf-8"}),
        (b"text/plain; name*(c)=utf-8''a(b)", {b"name*": b"utf-8''a"}),
        (
            b'; key1=value1#$!%&\'*+-.^_`{|}~; key2=" \\"(),/:;<=>?@[\\\\]"',
            {b"key1": b"value1#$!%&'*+-.^_`{|}~", b"key2": b' "(),/:;<=>?@[\\]'},
        ),
    ],
)
def test_parameters_around_comments(value: bytes, parameters: dict[bytes, bytes]) -> None:
    assert dict(parse_parameters(value)) == parameters


def test_sections_of_a_parameter_in_any_order() -> None:
    """RFC 2231 §3, with comments in between, and a percent sign that encodes nothing."""
    value = (
        b"x; key4*=us-ascii''foo; (c) key*2=ba%; key2*0=a; key3*0*=us-ascii'en'xyz(c); key*0=\"foo\""
        b"; key2*1*=b%25; key3*1=plop%; key*1=baz"
    )
    assert dict(decode_parameters(parse_parameters(value))) == {
        "key": "foobazba%",
        "key2": "ab%",
        "key3": "xyzplop%",
        "key4": "foo",
    }


@pytest.mark.parametrize("value", [b"(note) attachment", b"attachment (note)", b"(no(te))attachment(n); filename=x"])
def test_disposition(value: bytes) -> None:
    assert parse_content({b"content-disposition": [value]}).disposition == b"attachment"


@pytest.mark.parametrize("value", [b"(note) base64", b"base64(note)", b"(no(te)) BASE64 (n)", b"base64 ; (note)"])
def test_transfer_encoding(value: bytes) -> None:
    assert parse_type({b"content-transfer-encoding": [value]}).encoding == b"base64"


def test_language() -> None:
    assert parse_content({b"content-language": [b"de (German), en(fi)"]}).language == (b"de", b"en")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (b"Wed, 13 Jun (Ju (06)n) 2007 12:34:56 -0100", datetime(2007, 6, 13, 13, 34, 56, tzinfo=UTC)),
        (
            b"(now) Wed, 13 (12) Jun 2007 (2008) 12:34:56 (1:2:3) -0100 (+0900)",
            datetime(2007, 6, 13, 13, 34, 56, tzinfo=UTC),
        ),
        (b"Wed(1 Jan 1999),13 Jun 2007 12(h):(m)34:56 -0100", datetime(2007, 6, 13, 13, 34, 56, tzinfo=UTC)),
        (rb"Wed, 13 Jun (\)) 2007 12:34:56 -0100 (\(", datetime(2007, 6, 13, 13, 34, 56, tzinfo=UTC)),
        (b"13 Jun 2007 (never closed 12:34:56 -0100", datetime(2007, 6, 13, tzinfo=UTC)),
    ],
)
def test_dates(value: bytes, moment: datetime) -> None:
    assert parse_date(value) == int(moment.timestamp()) * 1_000_000
    assert written_day(value) == (datetime(2007, 6, 13) - datetime(1970, 1, 1)).days


def test_message_ids() -> None:
    assert message_ids(b"(<no@x>) <a@x> (reply to (<no@y>)) <b@x>(c)") == ("a@x", "b@x")


def test_only_so_much_of_a_value_is_read() -> None:
    value = b"multipart/mixed; " + b"(" * MAX_VALUE + b")" * MAX_VALUE + b"; boundary=b"
    scanned = scan(b"Content-Type: " + value + b"\r\n" + BODY)
    assert [part.content_type for part in scanned.parts] == ["text/plain"]
