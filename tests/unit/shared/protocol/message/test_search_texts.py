"""What each SEARCH key looks at (docs/search.md), by examples and by rules for any bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message import search_texts
from shared.protocol.message.pages import PAGE, html_pages, text_pages
from shared.protocol.message.scan import scan


class Octets:
    """A message in memory, as a blob gives it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def iterate(self, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, PAGE):
            yield self._data[at : min(at + PAGE, end)]


def header(data: bytes) -> str:
    return "\n".join(search_texts.header_texts(data[: scan(data).header_end]))


def body(data: bytes) -> str:
    return "".join(search_texts.body_texts(Octets(data), scan(data)))


def text(data: bytes) -> str:
    return "\n".join((header(data), body(data), *search_texts.part_header_texts(Octets(data), scan(data))))


def field(data: bytes, name: str) -> list[str]:
    return list(search_texts.field_texts(data[: scan(data).header_end], name))


ADDRESSES = [
    (rb'"Smith\, John" <john@far.example>', "Smith, John"),
    (b'John "Q." Public <john@far.example>', "John Q. Public"),
    (b"joe @ far . example", "joe@far.example"),
    (b"joe(home)@far.example", "joe@far.example"),
    (b"Joe (his (inner) name) Blow <joe (comment)@ (comment) far.example>", "Joe Blow <joe@far.example>"),
    (b"<user-from (comment)@ (comment) domain.org>", "user-from@domain.org"),
    (b"joe@far.example (Real Name)", "Real Name"),
    (b"=?utf-8?q?J=C3=B6?= (x) <j@far.example>", "Jö <j@far.example>"),
    (b'"=?utf-8?q?J=C3=B6?=" <j@far.example>', "Jö"),
    (b"friends: joe@far.example, ann @ far.example;", "friends"),
    (b"friends: joe@far.example, ann @ far.example;", "ann@far.example"),
    (b"<@relay.example:joe @far.example>", "joe@far.example"),
    (b'"joe" @far.example', "joe@far.example"),
    (rb'"j\o\e"@far.example', "joe@far.example"),
    (b"Joe\r\n\t<joe\r\n @far.example>", "Joe <joe@far.example>"),
    (b"plain@far.example", "plain@far.example"),
]


@pytest.mark.parametrize(("value", "sought"), ADDRESSES)
@pytest.mark.parametrize("name", ["From", "To", "Cc", "Bcc"])
def test_address_keys_know_the_addresses_of_the_envelope(name: str, value: bytes, sought: str) -> None:
    data = b"%b: %b\r\nSubject: x\r\n\r\nbody" % (name.encode(), value)
    assert any(sought in result for result in field(data, name.lower()))
    assert sought in text(data)


@pytest.mark.parametrize(("value", "_sought"), ADDRESSES)
def test_every_envelope_address_is_found(value: bytes, _sought: str) -> None:
    """FROM finds every address that ENVELOPE shows."""
    data = b"From: %b\r\n\r\n" % value
    result = field(data, "from")
    for display, address in scan(data).from_:
        assert any(address in item for item in result)
        assert any(display in item for item in result)


def test_the_field_as_it_is_written_is_found_too() -> None:
    assert field(b"From: joe(home)@far.example\r\n\r\n", "from")[0] == "joe(home)@far.example"


def test_a_usual_address_is_read_once() -> None:
    assert field(b"From: Joe Blow <joe@far.example>\r\n\r\n", "from") == ["Joe Blow <joe@far.example>"]


def test_a_group_that_goes_on_in_another_field_is_as_in_the_envelope() -> None:
    data = b"To: friends: a @x.example\r\nTo: b @x.example;\r\n\r\n"
    assert {"a@x.example", "b@x.example", "friends"} <= set(field(data, "to"))


def test_folds_are_one_space() -> None:
    assert field(b"Subject: hello\r\n\tbeautiful\r\n world\r\n\r\n", "subject") == ["hello beautiful world"]


def test_existence_of_an_empty_field() -> None:
    assert field(b"X-Empty:\r\n\r\n", "x-empty") == [""]
    assert field(b"X-Other: y\r\n\r\n", "x-empty") == []


REPORT = (
    b"Subject: Undelivered\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n"
    b"--r\r\n\r\nIt did not work.\r\n"
    b"--r\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; here.example\r\n\r\nFinal-Recipient: rfc822; lost@remote.example\r\n"
    b"--r\r\nContent-Type: message/rfc822\r\n\r\n"
    b"From: joe(home)@far.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Rom\r\n"
    b"Content-Type: multipart/mixed; boundary=i\r\n\r\n"
    b"--i\r\nContent-Description: the minutes\r\n\r\ninner words\r\n"
    b"--i\r\nContent-Type: application/pdf; name*=utf-8''%C3%A9t%C3%A9.pdf\r\n"
    b"Content-Disposition: attachment; filename*0=lo; filename*1=ng.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxl\r\n--i--\r\n--r--\r\n"
)


@pytest.mark.parametrize(
    "sought",
    [
        "lost@remote.example",
        "Reporting-MTA: dns; here.example",
        "Grüße aus Rom",
        "inner words",
        "joe@far.example",
        "It did not work.",
    ],
)
def test_body_and_text_see_reports_and_attached_messages(sought: str) -> None:
    assert sought in body(REPORT)
    assert sought in text(REPORT)


@pytest.mark.parametrize("sought", ["the minutes", "long.pdf", "été.pdf", "message/delivery-status", "base64"])
def test_text_sees_the_headers_of_the_parts_and_body_does_not(sought: str) -> None:
    assert sought in text(REPORT)
    assert sought not in body(REPORT)


def test_an_attachment_is_not_decoded() -> None:
    assert "needle" not in text(REPORT)


def test_the_file_name_of_a_message_that_is_an_attachment_itself() -> None:
    data = (
        b"Content-Type: image/png\r\nContent-Disposition: inline; filename*0*=utf-8''%C3%A9; filename*1=.png\r\n\r\nx"
    )
    assert "é.png" in text(data)


@pytest.mark.parametrize(
    "line", [b"a line without a colon", b"From wanda Mon: day 12", b" continues nothing", b"bad name: x", b"\xe9t\xe9"]
)
def test_lines_that_are_no_field(line: bytes) -> None:
    data = b"%b\r\nSubject: x\r\n%b\r\nTo: y\r\n\r\nbody" % (line, line)
    assert header(data).count(line.decode("latin-1").strip()) == 2


def test_a_control_in_a_header_line_is_a_space() -> None:
    assert "Subject: a b" in header(b"Subject:\ta\x00b\r\n\r\n")


@pytest.mark.parametrize("written", [b"Subject:x", b"Subject: x", b"Subject : x"])
def test_a_header_line_is_found_as_written_and_with_one_space(written: bytes) -> None:
    result = header(written + b"\r\n\r\n")
    assert written.decode() in result
    assert "Subject: x" in result


HTML = (
    b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    b'<html><head><link href="https://style.example/s.css"><style>.hidden{}</style>'
    b'<script>var u="https://script.example/x"</script></head>\r\n'
    b"<body background=https://back.example/b.png><p>one</p>\r\n"
    b'<a href="https://link.example/?a=1&amp;b=2" title="a title">here</a>\r\n'
    b'<a href="#top">up</a> <A HREF=mailto:joe@far.example>write</A>\r\n'
    b"<img src='cid:part1@x' alt='a cat'><form action=\"/relative/way\"><input value='typed'></form>\r\n"
    b'<!--[if mso]><a href="https://outlook.example/">x</a><![endif]-->V<i></i>IAGRA &eacute;</body></html>'
)


@pytest.mark.parametrize(
    "sought",
    [
        "https://style.example/s.css",
        "https://script.example/x",
        "https://back.example/b.png",
        "https://link.example/?a=1&b=2",
        "a title",
        "#top",
        "mailto:joe@far.example",
        "cid:part1@x",
        "a cat",
        "/relative/way",
        "typed",
        "https://outlook.example/",
        "VIAGRA é",
        "here",
    ],
)
def test_body_sees_what_html_shows_points_to_and_says(sought: str) -> None:
    assert sought in body(HTML)


@pytest.mark.parametrize("sought", ["<p>", "hidden", "href="])
def test_body_does_not_see_markup(sought: str) -> None:
    assert sought not in body(HTML)


def test_an_encoded_attached_message_is_read_as_text() -> None:
    data = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogaW5uZXINCg0KYm9keQ=="
    assert "Subject: inner" in body(data)


def test_nothing_reaches_across_parts() -> None:
    data = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n"
    assert "onetwo" not in body(data)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-16", "utf-7", "iso-2022-jp", "gb18030", "", "latin-1"]))
def test_pages_of_text_are_cut_between_characters(words: str, charset: str) -> None:
    data = words.encode(charset or "utf-8", "replace")
    whole = "".join(text_pages([data], charset))
    for size in (1, 2, 3, 7):
        assert "".join(text_pages(cut(data, size), charset)) == whole or charset in ("", "latin-1")
    if charset == "":
        assert "".join(text_pages(cut(data, 5), charset)) == words


@given(
    st.lists(st.sampled_from(["<b>", "</b>", "<p>", " ", "\n", "word", "é", "<a href='x y'>", "&amp;"]), max_size=40)
)
def test_pages_of_html_give_the_same_words(pieces: list[str]) -> None:
    source = "".join(pieces)
    whole = "".join(html_pages([source]))
    for size in (1, 3, 10):
        paged = "".join(html_pages([source[at : at + size] for at in range(0, len(source), size)]))
        assert paged.split() == whole.split()


def test_a_comment_longer_than_a_page_hides_nothing_behind_it() -> None:
    source = "<!--" + "x" * (3 * PAGE) + "-->seen"
    pages = [source[at : at + PAGE] for at in range(0, len(source), PAGE)]
    assert "seen" in "".join(html_pages(pages))


@given(
    st.lists(
        st.sampled_from(
            [
                b"Content-Type: multipart/mixed; boundary=x\r\n",
                b"Content-Type: message/rfc822\r\n",
                b"Content-Type: text/html; charset=utf-7\r\n",
                b"\r\n",
                b"--x\r\n",
                b"--x--",
                b"From: (\xff\x00",
                b"<a href=",
                b"\x00",
                b"+2AA-",
                b" ",
            ]
        )
    ).map(b"".join)
)
def test_any_bytes_give_texts_that_utf8_can_carry(data: bytes) -> None:
    text(data).encode("utf-8")
    for name in ("from", "subject", "\u017f"):
        "".join(field(data, name)).encode("utf-8")
