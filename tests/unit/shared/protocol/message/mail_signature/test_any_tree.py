"""Any MIME tree: the result has the same tree, and a message that is skipped has given nothing away."""

from __future__ import annotations

import base64
import quopri

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.message.mail_signature.outcome import NotPlaced, PlacedSignature
from shared.protocol.message.mail_signature.placing import place
from shared.protocol.message.mail_signature.template import MailSignature
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from tests.unit.shared.protocol.message.mail_signature.reading import (
    VALUES,
    check,
    octets_of,
    outcome,
    parsed,
    read_part,
    refusal,
    texts,
)

SIGNATURES = [
    MailSignature("{name}\nExample Ltd"),
    MailSignature("Grüße ☃\n--b1\n--b0--\nFrom x", "<p>Grüße ☃</p>\n--b1--\n"),
    MailSignature(html="<table><tr><td>{name}</td></tr></table>" + "x" * 1500),
]
CHARSETS = ["us-ascii", "utf-8", "iso-8859-1", "koi8-r", "iso-2022-jp", "utf-16", "x-unknown"]
WORDS = ["Hello", "Grüße", "Привет", "こんにちは", "> quoted", "On 3.2.2025, 10:00, Bob wrote:", "-- ", "", "--b1x"]
WORDS.append("a" * 1200)
PAGES = ["<body>", "</body>", "<p>Hello</p>", '<blockquote type="cite">', "</blockquote>", "<!--", "-->", "Grüße"]
PAGES += [">", '="']


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["plain", "html", "csv"]))
    rows = draw(st.lists(st.sampled_from(WORDS if kind == "plain" else PAGES), max_size=6))
    charset = draw(st.sampled_from(CHARSETS))
    octets = "\r\n".join(rows).encode("utf-8" if charset == "x-unknown" else charset, "replace")
    encoding = draw(st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"]))
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    elif encoding == "quoted-printable":
        octets = quopri.encodestring(octets)
    elif b"\0" in octets:
        octets = b"\r\n".join(octets.split(b"\0"))
    fields = [f"Content-Type: text/{kind}; charset={charset}", f"Content-Transfer-Encoding: {encoding}"]
    if draw(st.integers(0, 5)) == 0:
        fields.append("Content-Disposition: attachment; filename=a")
    return "\r\n".join([*draw(st.permutations(fields)), "", ""]).encode() + octets


def others() -> st.SearchStrategy[bytes]:
    return st.sampled_from(
        [
            b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoA",
            b"Content-Type: message/rfc822\r\n\r\nFrom: b@example.net\r\n\r\nHello from Bob\r\n",
            b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n<body></body>",
            b"\r\nno header",
            b"X: y\r\n",
        ]
    )


def multiparts(level: int, children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    kinds = st.sampled_from(["mixed", "alternative", "related", "x-other"])
    ends = st.sampled_from([f"--b{level}--\r\n".encode(), f"--b{level}--".encode(), b"--b%d-- \r\nend" % level, b""])

    def made(kind: str, parts: list[bytes], end: bytes) -> bytes:
        edge = f"--b{level}\r\n".encode()
        head = f"Content-Type: multipart/{kind}; boundary=b{level}\r\n\r\n".encode()
        return head + b"".join(edge + part + b"\r\n" for part in parts) + end

    return st.builds(made, kinds, st.lists(children, min_size=1, max_size=3), ends)


def trees() -> st.SearchStrategy[bytes]:
    result: st.SearchStrategy[bytes] = leaves() | others()
    for level in range(3, -1, -1):
        result = leaves() | others() | multiparts(level, result)
    return result


@settings(max_examples=300, deadline=None)
@given(trees(), st.sampled_from(SIGNATURES))
def test_the_result_has_the_same_tree(tree: bytes, signature: MailSignature) -> None:
    message = b"From: ann@example.org\r\nMIME-Version: 1.0\r\n" + tree
    result = outcome(message, signature)
    if isinstance(result, NotPlaced):
        return
    octets = octets_of(result)
    check(message, result, octets)
    assert all(len(line) <= 998 for line in changed_lines(result, octets))
    before, after = [read_part(part) for part in parsed(message)], [read_part(part) for part in parsed(octets)]
    different = 0
    for old, new in zip(before, after, strict=True):
        if old == new:
            continue
        different += 1
        assert old.content_type in ("text/plain", "text/html")
        assert new.text is not None
        assert [row for row in new.fields if row not in old.fields and not row[0].lower().startswith("content-t")] == []
    assert different == len(result.texts) > 0


def changed_lines(result: PlacedSignature, octets: bytes) -> list[bytes]:
    numbers = {text.number for text in result.texts}
    bodies = [octets[part.body_start : part.body_end] for part in scan(octets).parts if part.number in numbers]
    return [line for body in bodies for line in body.split(b"\r\n")]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS[:7]), max_size=8), st.sampled_from(["7bit", "base64", "quoted-printable"]))
def test_old_text_is_kept_around_the_signature(rows: list[str], encoding: str) -> None:
    text = "\r\n".join(rows)
    octets = text.encode()
    if encoding != "7bit":
        octets = base64.encodebytes(octets) if encoding == "base64" else quopri.encodestring(octets)
    head = f"From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}"
    message = head.encode() + b"\r\n\r\n" + octets
    result = outcome(message)
    assert isinstance(result, PlacedSignature)
    old, new = texts(message)[0], texts(octets_of(result))[0]
    at = new.index("Ann Lee\r\nExample Ltd")
    more = len(new) - len(old)
    assert 0 < more < 40
    assert any(new[:start] + new[start + more :] == old for start in range(max(at - more, 0), at + 1))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_are_no_error(tail: bytes) -> None:
    for head in (b"", b"From: a@example.org\r\n\r\n", b"Content-Type: text/html; charset=utf-7\r\n\r\n"):
        message = head + tail
        result = outcome(message)
        if isinstance(result, PlacedSignature):
            check(message, result, octets_of(result))


def test_a_message_is_signed_once() -> None:
    """What was placed is found again, so a message that comes back is left alone."""
    message = b"From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    for signature in SIGNATURES:
        result = outcome(message, signature)
        assert isinstance(result, PlacedSignature)
        assert refusal(octets_of(result), signature).reason == "already-there"


@settings(max_examples=100, deadline=None)
@given(trees(), st.integers(0, 400), st.integers(0, 400))
def test_any_range_can_be_read(tree: bytes, start: int, length: int) -> None:
    message = b"From: ann@example.org\r\n" + tree
    scanned = scan(message)
    result = place(message[: scanned.header_end], scanned, ranges_of(message), SIGNATURES[0], VALUES)
    if isinstance(result, NotPlaced):
        return
    whole = b"".join(result.read(0, result.scan.size))
    assert len(whole) == result.scan.size
    assert b"".join(result.read(start, min(start + length, result.scan.size))) == whole[start : start + length]
