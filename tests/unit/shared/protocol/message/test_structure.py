"""Parts and BODYSTRUCTURE: the examples of RFC 3501 and RFC 2046, and broken messages."""

from __future__ import annotations

import pytest

from shared.protocol.message.finder import ScanLimits
from shared.protocol.message.scan import Scan, Scanner, scan
from tests.unit.shared.protocol.message.consistency import check
from tests.unit.shared.protocol.message.imap_reader import read_list

# RFC 3501 §8: the message of the sample connection, and the response to its FETCH.
TERRY = (
    b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
    b"From: Terry Gray <gray@cac.washington.edu>\r\n"
    b"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
    b"To: imap@cac.washington.edu\r\n"
    b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
    b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"
    b"\r\n"
)


def tree(result: Scan) -> list[tuple[str, str]]:
    return [(part.number, part.content_type) for part in result.parts]


def body_of(result: Scan, data: bytes, number: str) -> bytes:
    part = result.find(number)
    assert part is not None
    return data[part.body_start : part.body_end]


def multipart(*parts: bytes, boundary: bytes = b"x", subtype: bytes = b"mixed") -> bytes:
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (subtype, boundary)
    return head + b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


def test_rfc3501_sample_fetch() -> None:
    body = (b"x" * 31 + b"\r\n") * 91 + b"y" * 23 + b"\r\n"
    scanned = scan(TERRY + body)
    assert scanned.envelope == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )
    # RFC 3501 §8: BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)
    assert scanned.body.upper() == b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)'
    assert scanned.bodystructure == b'("text" "plain" ("CHARSET" "US-ASCII") NIL NIL "7bit" 3028 92 NIL NIL NIL NIL)'


def test_rfc3501_two_part_body() -> None:
    """§7.4.2: a text part of 1152 bytes and 23 lines, and a base64 text attachment with id and description."""
    first = b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n" + (b"a" * 48 + b"\r\n") * 22 + b"b" * 50 + b"\r\n"
    second = (
        b'Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"\r\n'
        b"Content-Transfer-Encoding: BASE64\r\nContent-ID: <960723163407.20117h@cac.washington.edu>\r\n"
        b"Content-Description: Compiler diff\r\n\r\n" + (b"A" * 61 + b"\r\n") * 72 + b"B" * 16 + b"\r\n"
    )
    scanned = scan(multipart(first, second))
    assert scanned.body.upper() == (
        b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)'
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "CC.DIFF") "<960723163407.20117H@CAC.WASHINGTON.EDU>" '
        b'"COMPILER DIFF" '
        b'"BASE64" 4554 73) "MIXED")'
    )


def test_nested_message_carries_its_envelope_and_body() -> None:
    inner = b"From: a@b\r\nSubject: inner\r\n\r\nhello\r\nworld\r\n"
    data = multipart(b"\r\nintro", b"Content-Type: message/rfc822\r\n\r\n" + inner)
    scanned = scan(data)
    assert tree(scanned) == [
        ("", "multipart/mixed"),
        ("1", "text/plain"),
        ("2", "message/rfc822"),
        ("2.1", "text/plain"),
    ]
    message = read_list(scanned.bodystructure)[1]
    assert message[:2] == [b"message", b"rfc822"]
    assert message[6] == len(inner)
    assert message[7][1] == b"inner"
    assert message[8][:2] == [b"text", b"plain"]
    assert message[9] == 5
    assert scanned.parts[2].envelope.startswith(b'(NIL "inner" ((NIL NIL "a" "b"))')


def test_numbers_of_a_multipart_in_a_message_in_a_multipart() -> None:
    """RFC 3501 §6.4.5, the example: 4 is a message/rfc822 whose multipart's parts are 4.1, 4.2, and 4.2 holds 4.2.1."""
    deepest = multipart(
        b"\r\nplain", b"Content-Type: text/richtext\r\n\r\nrich", boundary=b"zzz", subtype=b"alternative"
    )
    inner = b"Subject: forwarded\r\n" + multipart(b"\r\none", deepest, boundary=b"yy")
    scanned = scan(
        multipart(
            b"\r\na", b"\r\nb", b"Content-Type: image/gif\r\n\r\nc", b"Content-Type: message/rfc822\r\n\r\n" + inner
        )
    )
    assert [part.number for part in scanned.parts] == ["", "1", "2", "3", "4", "4", "4.1", "4.2", "4.2.1", "4.2.2"]
    assert scanned.find("4") is scanned.parts[4]


def test_disposition_language_location_and_md5() -> None:
    part = (
        b'Content-Type: image/png\r\nContent-MD5: Q2hlY2s=\r\nContent-Disposition: attachment; filename="a b.png"\r\n'
        b"Content-Language: de, en\r\nContent-Location: http://x/y\r\n\r\nPNG"
    )
    scanned = scan(multipart(part))
    assert scanned.bodystructure.startswith(
        b'(("image" "png" NIL NIL NIL "7bit" 3 "Q2hlY2s=" ("attachment" ("filename" "a b.png")) ("de" "en") '
        b'"http://x/y")'
    )
    attachment = scanned.parts[1]
    assert (attachment.filename, attachment.disposition, attachment.language, attachment.md5) == (
        "a b.png",
        "attachment",
        ("de", "en"),
        "Q2hlY2s=",
    )
    assert scanned.has_attachments


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_line_endings_crlf_or_lf(end: bytes) -> None:
    data = multipart(b"\r\nfirst\r\n", b"Content-Type: text/html\r\n\r\n<p>").replace(b"\r\n", end)
    scanned = scan(data)
    assert tree(scanned) == [("", "multipart/mixed"), ("1", "text/plain"), ("2", "text/html")]
    assert body_of(scanned, data, "1") == b"first" + end
    assert body_of(scanned, data, "2") == b"<p>"
    check(scanned, data)


@pytest.mark.parametrize(
    ("data", "header_end"),
    [
        (b"", 0),
        (b"\r\n", 2),
        (b"\n", 1),
        (b"Subject: x", 10),
        (b"Subject: x\r\n", 12),
        (b"Subject: x\r\n\r\n", 14),
        (b"\r\nbody", 2),
        (b"no colon here\r\nSubject: x\r\n\r\nbody", 29),
        (b"From ann Mon Nov 23 2026\r\nSubject: x\r\n\r\nb", 40),
    ],
)
def test_where_the_header_ends(data: bytes, header_end: int) -> None:
    scanned = scan(data)
    assert scanned.header_end == header_end
    assert scanned.subject == ("x" if b"Subject" in data else "")
    check(scanned, data)


def test_unterminated_multipart_reaches_to_the_end() -> None:
    data = multipart(b"\r\none", b"\r\ntwo").removesuffix(b"\r\n--x--\r\n")
    assert body_of(scan(data), data, "2") == b"two"


def test_last_delimiter_without_line_ending() -> None:
    data = multipart(b"\r\none").removesuffix(b"\r\n")
    assert body_of(scan(data), data, "1") == b"one"


def test_outer_delimiter_ends_an_unterminated_inner_multipart() -> None:
    inner = b'Content-Type: multipart/alternative; boundary="y"\r\n\r\n--y\r\n\r\ninside'
    data = multipart(inner, b"\r\nafter")
    scanned = scan(data)
    assert tree(scanned)[1:] == [("1", "multipart/alternative"), ("1.1", "text/plain"), ("2", "text/plain")]
    assert body_of(scanned, data, "1.1") == b"inside"
    assert body_of(scanned, data, "2") == b"after"


def test_boundary_that_is_the_prefix_of_another() -> None:
    inner = multipart(b"\r\ndeep", boundary=b"xx", subtype=b"alternative")
    data = multipart(inner, b"\r\nafter", boundary=b"x")
    assert [number for number, _ in tree(scan(data))] == ["", "1", "1.1", "2"]


def test_boundary_that_ends_in_hyphens() -> None:
    data = multipart(multipart(b"\r\ndeep", boundary=b"x--"), b"\r\nafter", boundary=b"y")
    assert [number for number, _ in tree(scan(data))] == ["", "1", "1.1", "2"]


def test_same_boundary_inside_means_the_inner_multipart() -> None:
    data = multipart(multipart(b"\r\none", b"\r\ntwo"), b"\r\nthree")
    assert [number for number, _ in tree(scan(data))] == ["", "1", "1.1", "1.2", "2"]


def test_line_that_only_begins_like_a_delimiter_is_content() -> None:
    data = multipart(b"\r\n--xy\r\n--x-\r\n -- x\r\n---x")
    assert body_of(scan(data), data, "1") == b"--xy\r\n--x-\r\n -- x\r\n---x"


def test_delimiter_may_carry_white_space_and_more() -> None:
    """RFC 2046 §5.1.1: transport padding; "an exact match of the entire candidate line is not required"."""
    data = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x \t\r\n\r\none\r\n--x what\r\n\r\ntwo\r\n--x-- \r\nend"
    scanned = scan(data)
    assert [body_of(scanned, data, number) for number in ("1", "2")] == [b"one", b"two"]


def test_preamble_and_epilogue_belong_to_no_part() -> None:
    data = (
        multipart(b"\r\none").replace(b"\r\n\r\n", b"\r\n\r\npreamble\r\n", 1)
        + b"epilogue\r\n--x\r\n\r\nnot a part\r\n"
    )
    scanned = scan(data)
    assert len(scanned.parts) == 2
    assert body_of(scanned, data, "1") == b"one"
    assert scanned.root.body_end == len(data)


def test_header_of_a_part_ended_by_its_delimiter() -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\nContent-Type: "
        b"text/html\r\n--x\r\n\r\n--x--\r\n"
    )
    scanned = scan(data)
    assert [(part.content_type, part.size) for part in scanned.parts[1:]] == [
        ("text/plain", 0),
        ("text/html", 0),
        ("text/plain", 0),
    ]
    check(scanned, data)


def test_blank_line_of_an_empty_part_may_belong_to_the_delimiter() -> None:
    data = multipart(b"Content-Type: image/gif\r\n")
    scanned = scan(data)
    assert (scanned.parts[1].content_type, scanned.parts[1].size) == ("image/gif", 0)


@pytest.mark.parametrize("length", [70, 71, 200, 900])
def test_long_boundaries(length: int) -> None:
    data = multipart(b"\r\none", boundary=b"b" * length)
    assert len(scan(data).parts) == 2


@pytest.mark.parametrize(
    "content_type",
    [
        b"",
        b"text",
        b"/",
        b"garbage garbage",
        b";;;",
        b"=?",
        b"multipart/mixed",
        b'multipart/mixed; boundary=""',
        b"multipart/mixed; boundary=no",
    ],
)
def test_content_type_garbage_is_plain_text(content_type: bytes) -> None:
    """RFC 2045 §5.2; also for a multipart without a part, so that people see its text."""
    data = b"Content-Type: %b\r\n\r\nhello" % content_type
    scanned = scan(data)
    assert tree(scanned) == [("1", "text/plain")]
    check(scanned, data)


def test_digest_parts_are_messages() -> None:
    scanned = scan(multipart(b"\r\nSubject: one\r\n\r\nbody", subtype=b"digest"))
    assert tree(scanned)[1:] == [("1", "message/rfc822"), ("1.1", "text/plain")]


def test_encoded_message_is_not_looked_into_but_valid() -> None:
    data = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQo="
    scanned = scan(data)
    assert tree(scanned) == [("1", "message/rfc822")]
    check(scanned, data)


def test_message_global_is_a_basic_part() -> None:
    """RFC 3501 §9: media-message is message/rfc822 alone. Its parts are known, and not shown."""
    inner = b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\none\r\n--y--\r\n"
    data = multipart(b"Content-Type: message/global\r\n\r\n" + inner, b"\r\nafter")
    scanned = scan(data)
    assert [part.number for part in scanned.parts] == ["", "1", "1", "1.1", "2"]
    assert scanned.body == (
        b'(("message" "global" NIL NIL NIL "7bit" %d)'
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0) "mixed")' % len(inner)
    )
    check(scanned, data)


def nested(levels: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(levels)
    )
    return head + b"\r\ninnermost\r\n" + b"".join(b"--b%d--\r\n" % level for level in reversed(range(levels)))


def test_depth_limit_leaves_a_leaf() -> None:
    data = nested(500)
    scanned = scan(data)
    assert scanned.truncated
    assert len(scanned.parts) == 100
    assert scanned.parts[-1].content_type == "application/octet-stream"
    check(scanned, data)


def test_deeper_limit_has_no_recursion() -> None:
    data = nested(2000)
    scanned = scan(data, ScanLimits(max_depth=5000, max_parts=5000))
    assert not scanned.truncated
    assert len(scanned.parts) == 2001
    check(scanned, data)


def test_nested_messages_count_as_depth() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\n" * 500 + b"\r\nend"
    scanned = scan(data)
    assert scanned.truncated
    assert len(scanned.parts) == 100
    check(scanned, data)


def test_part_limit_leaves_the_rest_to_the_multipart() -> None:
    data = multipart(*[b"\r\npart %d" % number for number in range(10_000)])
    scanned = scan(data)
    assert scanned.truncated
    assert len(scanned.parts) == 1000
    assert body_of(scanned, data, "999") == b"part 998"
    check(scanned, data)


def test_header_limit_passes_over_the_rest() -> None:
    data = b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"Subject: late\r\n\r\nbody"
    scanned = scan(data)
    assert scanned.truncated
    assert scanned.subject == ""
    assert data[scanned.header_end :] == b"body"
    check(scanned, data)


def test_many_headers_within_the_limit() -> None:
    data = b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"Subject: late\r\n\r\nbody"
    scanned = scan(data, ScanLimits(max_header_bytes=1 << 22))
    assert not scanned.truncated
    assert scanned.subject == "late"


def test_scanner_without_bytes() -> None:
    assert Scanner().finish() == scan(b"")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (b"Content-Type: image/png\r\n", True),
        (b"Content-Type: image/png\r\nContent-Disposition: inline\r\n", False),
        (b"Content-Type: text/plain\r\n", False),
        (b"Content-Type: text/plain; name=notes.txt\r\n", True),
        (b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n", True),
        (b"Content-Type: message/rfc822\r\n", True),
    ],
)
def test_has_attachments(headers: bytes, expected: bool) -> None:
    assert scan(multipart(b"\r\ntext", headers + b"\r\nx")).has_attachments is expected


def test_pictures_of_an_html_page_are_no_attachments() -> None:
    data = multipart(
        b"Content-Type: text/html\r\n\r\n<img>",
        b"Content-Type: image/png\r\nContent-ID: <a@b>\r\n\r\nx",
        subtype=b"related",
    )
    scanned = scan(data)
    assert not scanned.has_attachments
    assert scanned.parts[2].content_id == "a@b"
