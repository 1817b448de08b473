"""Readable text, links, previews, header text."""

from __future__ import annotations

import pytest

from shared.protocol.message.markup import html_text
from shared.protocol.message.scan import scan
from shared.protocol.message.text import header_text, part_bytes, part_text, preview, readable_parts, urls
from shared.protocol.message.urls import find_urls

ALTERNATIVE = (
    b"Subject: =?utf-8?q?=C3=A9?=\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    b"quoted-printable\r\n\r\ncaf=E9 http://a.example/x.\r\n"
    b"--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"PHA+Y2Fmw6kgPGEgaHJlZj0iaHR0cDovL2IuZXhhbXBsZS8/YT0xJmFtcDtiPTIiPmhlcmU8L2E+PC9wPg==\r\n"
    b"--x--\r\n"
)


def test_readable_parts_are_decoded() -> None:
    scanned = scan(ALTERNATIVE)
    assert [(part.number, text) for part, text in readable_parts(ALTERNATIVE, scanned)] == [
        ("1", "café http://a.example/x."),
        ("2", "café here <http://b.example/?a=1&b=2>"),
    ]


def test_readable_parts_stop_at_the_limit() -> None:
    scanned = scan(ALTERNATIVE)
    assert [text for _, text in readable_parts(ALTERNATIVE, scanned, limit=4)] == ["café"]


def test_part_bytes_reads_no_more_than_asked() -> None:
    data = b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 1_000_000
    assert part_bytes(data, scan(data).root, 10) == b"A" * 10


def test_part_text_is_the_source_itself() -> None:
    part = scan(ALTERNATIVE).parts[2]
    assert part_text(ALTERNATIVE, part) == '<p>café <a href="http://b.example/?a=1&amp;b=2">here</a></p>'


def test_urls_of_both_texts() -> None:
    assert urls(ALTERNATIVE, scan(ALTERNATIVE)) == ["http://a.example/x", "http://b.example/?a=1&b=2"]


def test_text_of_attached_messages_is_readable_too() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner text"
    assert [text for _, text in readable_parts(data, scan(data))] == ["inner text"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two", "one\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<b>bo</b>ld", "bold"),
        ("<style>p{}</style>x<script>if (a<b) y()</script>z", "xz"),
        ("<!-- hidden --><!DOCTYPE html>shown", "shown"),
        ("&lt;tag&gt; &amp; &eacute;&nbsp;&#233;", "<tag> & é é"),
        ("a < b and c > d", "a < b and c > d"),
        ("<td>1</td><td>2</td>", "1 2"),
        ("lines\nare\n  spaces", "lines are spaces"),
        ("<a href='http://x/'>go</a> on", "go <http://x/> on"),
        ("<a class='big' HREF='http://x/'>go</a> on", "go <http://x/> on"),
        ("<a name='top'>here</a>", "here"),
        ("<img src='cat.png' ALT='a cat'>", "a cat"),
        ("<a href=http://x/>go", "go <http://x/>"),
        ("<a href='#top'>up</a>", "up"),
        ("<img alt='a cat' src=x>", "a cat"),
        ("<!-- never closed", ""),
        ("<script>never closed", ""),
        ("<p", ""),
        ("V<i></i>I<b></b>A", "VIA"),
    ],
)
def test_html_as_a_person_reads_it(source: str, text: str) -> None:
    assert html_text(source) == text


def test_html_without_links() -> None:
    assert html_text("<a href='http://x/'>go</a>", links=False) == "go"


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("see http://a.b/c, or (https://d.e/f).", ["http://a.b/c", "https://d.e/f"]),
        ("www.a.b and xwww.c.d and http://www.e.f", ["http://www.e.f", "www.a.b"]),
        ("WWW.A.B HTTP://C", ["HTTP://C", "WWW.A.B"]),
        ("nothing://", []),
        ("://x", []),
        ('<a href="http://a.b/?x=1&amp;y=2">t</a>', ["http://a.b/?x=1&y=2"]),
        ("evil://scheme/x", ["evil://scheme/x"]),
    ],
)
def test_urls_in_a_text(source: str, result: list[str]) -> None:
    assert list(find_urls(source, is_html=True)) == result


def test_html_may_name_its_charset_itself() -> None:
    data = b"Content-Type: text/html\r\n\r\n<meta charset=windows-1251><p>\xcf\xf0\xe8"
    assert [text for _, text in readable_parts(data, scan(data))] == ["При"]


def test_header_text_is_decoded_and_unfolded() -> None:
    block = b"Subject: =?utf-8?q?=C3=A9?=\r\n more\r\nX-Raw: \xe9\r\n\r\n"
    assert header_text(block) == "Subject: é more\nX-Raw: é"


def test_preview_takes_the_first_text_with_words() -> None:
    assert preview(ALTERNATIVE, scan(ALTERNATIVE)) == "café http://a.example/x."
    data = ALTERNATIVE.replace(b"caf=E9 http://a.example/x.", b"  ")
    assert preview(data, scan(data)) == "café here"
    assert preview(b"", scan(b"")) == ""


def test_preview_has_at_most_so_many_characters() -> None:
    data = b"\r\n" + b"word " * 1000
    assert len(preview(data, scan(data))) == 200
    assert preview(data, scan(data), 9) == "word word"
