"""ENVELOPE (RFC 3501 §7.4.2): defaults, and values that are hard to encode."""

from __future__ import annotations

import pytest

from shared.protocol.message.scan import scan
from shared.protocol.message.wire import string
from tests.unit.shared.protocol.message.imap_reader import check_envelope, read_list


def test_nothing_there() -> None:
    assert scan(b"\r\nbody").envelope == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_sender_and_reply_to_default_to_from() -> None:
    fields = check_envelope(scan(b"From: a@b\r\nSender:\r\n\r\n").envelope)
    assert fields[2] == fields[3] == fields[4] == [[None, None, b"a", b"b"]]


def test_group_syntax() -> None:
    """RFC 3501 §7.4.2: [RFC-2822] group syntax is indicated by a NIL host name."""
    fields = check_envelope(scan(b"To: team: a@b, c@d;\r\n\r\n").envelope)
    assert fields[5] == [[None, None, b"team", None], [None, None, b"a", b"b"], [None, None, b"c", b"d"], [None] * 4]


def test_present_but_empty_subject_is_an_empty_string() -> None:
    assert check_envelope(scan(b"Subject:\r\n\r\n").envelope)[1] == b""


def test_folded_and_encoded_values_stay_encoded() -> None:
    scanned = scan(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_aus?= Rom\r\n\r\n")
    assert check_envelope(scanned.envelope)[1] == b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?q?_aus?= Rom"
    assert scanned.subject == "Grüße aus Rom"


def test_address_fields_given_twice_are_put_together_others_count_once() -> None:
    scanned = scan(b"To: a@b\r\nSubject: one\r\nTo: c@d\r\nSubject: two\r\n\r\n")
    assert [pair[1] for pair in scanned.to] == ["a@b", "c@d"]
    assert scanned.subject == "one"


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (b"", b'""'),
        (b"plain", b'"plain"'),
        (b'a "b" \\c', b'"a \\"b\\" \\\\c"'),
        ("é".encode(), b"{2}\r\n\xc3\xa9"),
        (b"\xff", b"{1}\r\n\xff"),
        (b"a\x00b", b"{3}\r\na b"),
        (b"a\r\nb", b"{4}\r\na  b"),
        (b"tab\t", b"{4}\r\ntab\t"),
        (b"\x7f", b"{1}\r\n\x7f"),
    ],
)
def test_strings_for_any_bytes(value: bytes, wire: bytes) -> None:
    assert string(value) == wire


def test_strings_are_read_back() -> None:
    for byte in range(256):
        value = b"x" + bytes((byte,)) + b"y"
        expected = b"x y" if byte in (0, 10, 13) else value
        assert read_list(b"(" + string(value) + b")") == [expected]


def test_raw_bytes_in_headers_are_valid_on_the_wire() -> None:
    data = b'Subject: \xe9\x00\xff "x"\r\nFrom: "\xc3\xa9\\"\\\\" <\xff@\x80>\r\nMessage-ID: <\r>\r\n\r\n'
    scanned = scan(data)
    fields = check_envelope(scanned.envelope)
    assert fields[1] == b'\xe9 \xff "x"'
    assert fields[2] == [[b'\xc3\xa9"\\', None, b"\xff", b"\x80"]]
    assert scanned.subject == 'é ÿ "x"'


def test_no_line_break_gets_through_an_encoded_word() -> None:
    scanned = scan(b"Subject: =?utf-8?q?a=0D=0ABcc:_x?=\r\nFrom: =?utf-8?q?a=0Ab?= <x@y>\r\n\r\n")
    assert scanned.subject == "a  Bcc: x"
    assert scanned.from_ == (("a b", "x@y"),)


def test_decoded_fields() -> None:
    scanned = scan(
        b"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <id@x>\r\nIn-Reply-To: <p@x> (your mail)\r\n"
        b"References: <a@x>\r\n <p@x>\r\nBcc: hidden@x\r\nReply-To: r@x\r\nSender: s@x\r\n\r\n"
    )
    assert scanned.date == 1_795_424_400_000_000
    assert (scanned.message_id, scanned.in_reply_to, scanned.references) == ("id@x", ("p@x",), ("a@x", "p@x"))
    assert (scanned.bcc, scanned.reply_to, scanned.sender) == ((("", "hidden@x"),), (("", "r@x"),), (("", "s@x"),))


def test_very_many_references_keep_the_first_and_the_last() -> None:
    scanned = scan(b"References: " + b" ".join(b"<%d@x>" % number for number in range(5000)) + b"\r\n\r\n")
    assert len(scanned.references) == 200
    assert (scanned.references[0], scanned.references[-1]) == ("0@x", "4999@x")
