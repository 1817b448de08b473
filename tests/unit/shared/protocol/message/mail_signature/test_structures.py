"""Each structure, transfer encoding and charset: the old text with the mail signature at its place, nothing else."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable

import pytest

from shared.protocol.message.mail_signature.outcome import SkipReason
from shared.protocol.message.mail_signature.template import MailSignature
from tests.unit.shared.protocol.message.mail_signature.reading import outcome, placed, refusal, texts

HEAD = b"From: ann@example.org\r\nSubject: =?utf-8?q?x?=\r\n\tfolded\r\nMIME-Version: 1.0\r\n"
PLAIN = "Hello,\r\nsee you.\r\n"
HTML = "<html><body><p>Hello</p></body></html>\r\n"
FOREIGN = {
    "us-ascii": "",
    "utf-8": "Grüße ☃",
    "iso-8859-1": "Grüße",
    "iso-8859-15": "Grüße €",
    "windows-1252": "Grüße €",
    "windows-1251": "Привет",
    "koi8-r": "Привет",
    "iso-8859-7": "Γειά",
    "gb2312": "你好",
    "gb18030": "你好",
    "big5": "你好",
    "shift_jis": "こんにちは",
    "euc-jp": "こんにちは",
    "iso-2022-jp": "こんにちは",
    "euc-kr": "안녕",
    "utf-7": "Grüße",
    "utf-16": "Grüße",
}
ENCODINGS = ("7bit", "8bit", "quoted-printable", "base64")
UTF8_SIGNATURE = MailSignature("Ünïcode ☃ 你", "<b>Ünïcode ☃ 你</b>")


def encoded(octets: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return quopri.encodestring(octets) if encoding == "quoted-printable" else octets


def leaf(text: str, kind: str = "plain", charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    fields = f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return fields.encode() + encoded(text.encode(charset), encoding)


def multipart(subtype: str, *parts: bytes, boundary: str = "=_b", parameters: str = "") -> bytes:
    edge = b"--" + boundary.encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"{parameters}\r\n\r\nPreamble.\r\n'.encode()
    return head + b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\nEpilogue.\r\n"


PDF = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n"
PNG = b"Content-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoA"
NOTE = b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=n.txt\r\n\r\nnote\r\n"
CSV = b"Content-Type: text/csv\r\n\r\na,b\r\n"
FORWARDED = b"Content-Type: message/rfc822\r\n\r\nFrom: bob@example.net\r\n\r\nHello from Bob\r\n"

Make = Callable[[bytes, bytes], bytes]
STRUCTURES: dict[str, Make] = {
    "plain": lambda plain, html: plain,
    "html": lambda plain, html: html,
    "alternative": lambda plain, html: multipart("alternative", plain, html),
    "related": lambda plain, html: multipart("related", html, PNG),
    "related with its root last": lambda plain, html: multipart(
        "related", PNG, b"Content-ID: <root@x>\r\n" + html, parameters='; start="<root@x>"'
    ),
    "mixed": lambda plain, html: multipart("mixed", plain, PDF, NOTE, CSV),
    "mixed with the attachment first": lambda plain, html: multipart("mixed", PDF, NOTE, html),
    "alternative with related": lambda plain, html: multipart(
        "alternative", plain, multipart("related", html, PNG, boundary="=_r")
    ),
    "nested": lambda plain, html: multipart(
        "mixed",
        multipart("alternative", plain, multipart("related", html, PNG, boundary="=_b=_r"), boundary="=_b="),
        PDF,
        FORWARDED,
    ),
    "related with alternative": lambda plain, html: multipart(
        "related", multipart("alternative", plain, html, boundary="=_a"), PNG
    ),
    "unknown multipart": lambda plain, html: multipart("x-other", plain, FORWARDED),
    "mixed in mixed": lambda plain, html: multipart("mixed", multipart("mixed", plain, PDF, boundary="=_2"), NOTE),
}


def plain_with(text: str, signature: str = "Ann Lee\r\nExample Ltd") -> str:
    return f"{text}\r\n-- \r\n{signature}\r\n"


def html_with(html: str, signature: str = "<p>Ann Lee<br>Example Ltd</p>") -> str:
    at = html.index("</body>")
    return f'{html[:at]}\r\n<div class="mail-signature"><br>\r\n{signature}\r\n</div>\r\n{html[at:]}'


# UTF-16 has NUL, which 7bit and 8bit do not carry.
FORMS = [
    (encoding, charset)
    for encoding in ENCODINGS
    for charset in FOREIGN
    if charset != "utf-16" or encoding in ("quoted-printable", "base64")
]
CASES = [
    (structure, encoding, charset)
    for structure in STRUCTURES
    for encoding, charset in FORMS
    if structure in ("plain", "alternative") or charset in ("us-ascii", "utf-8", "iso-2022-jp")
]


@pytest.mark.parametrize(("structure", "encoding", "charset"), CASES)
def test_the_text_is_the_old_text_and_the_signature(structure: str, encoding: str, charset: str) -> None:
    plain, html = FOREIGN[charset] + PLAIN, HTML.replace("Hello", FOREIGN[charset])
    make = STRUCTURES[structure]
    message = HEAD + make(leaf(plain, "plain", charset, encoding), leaf(html, "html", charset, encoding))
    old = texts(message)
    new = [{plain: plain_with(plain), html: html_with(html)}.get(text, text) for text in old]
    assert old != new
    result = placed(message)
    assert texts(result) == new
    assert f"charset={charset}".encode() in result


@pytest.mark.parametrize(("encoding", "charset"), FORMS)
def test_a_character_that_the_charset_lacks_makes_the_text_utf8(encoding: str, charset: str) -> None:
    plain = FOREIGN[charset] + PLAIN
    message = HEAD + leaf(plain, "plain", charset, encoding)
    result = placed(message, UTF8_SIGNATURE)
    assert texts(result) == [plain_with(plain, "Ünïcode ☃ 你")]
    has_all = charset in ("utf-8", "utf-7", "utf-16", "gb18030")
    assert (f"charset={charset}".encode() in result) is has_all
    assert (b"; charset=utf-8\r\n" in result) is (not has_all or charset == "utf-8")
    if encoding == "7bit":
        assert result.isascii() or not message.isascii()


@pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "koi8-r", "euc-jp"])
def test_html_keeps_its_charset_and_names_the_character(charset: str) -> None:
    message = HEAD + leaf(HTML, "html", charset, "7bit")
    result = placed(message, MailSignature(html="<b>☃ 🎉</b>"))
    assert texts(result) == [html_with(HTML, "<b>&#9731; &#127881;</b>")]
    assert result.isascii()
    assert f"charset={charset}".encode() in result


def test_a_superset_of_the_charset_is_read_and_not_written() -> None:
    """Senders use GBK under the name of GB2312; what is added must suit a reader that takes the name literally."""
    octets = "朱镕基\r\n".encode("gbk")
    message = HEAD + b"Content-Type: text/plain; charset=gb2312\r\n\r\n" + octets
    assert placed(message, MailSignature("你")) == message + "\r\n-- \r\n你\r\n".encode("gb2312")
    assert texts(placed(message, MailSignature("镕"))) == ["朱镕基\r\n\r\n-- \r\n镕\r\n"]
    message = HEAD + b"Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    result = placed(message + base64.encodebytes("Grüße".encode()), MailSignature("Ann"))
    assert base64.b64encode("Grüße\r\n\r\n-- \r\nAnn".encode()) in result
    assert b"us-ascii" in result


def test_each_alternative_has_its_own_charset_and_encoding() -> None:
    plain, html = leaf(PLAIN, "plain", "iso-8859-1", "quoted-printable"), leaf(HTML, "html", "utf-8", "base64")
    result = placed(HEAD + multipart("alternative", plain, html), UTF8_SIGNATURE)
    assert texts(result) == [plain_with(PLAIN, "Ünïcode ☃ 你"), html_with(HTML, "<b>Ünïcode ☃ 你</b>")]


def test_the_header_of_a_single_part_keeps_all_other_fields() -> None:
    odd = b"X-Odd : kept\r\nno field\r\nfrom: x\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
    kind = b'content-type: TEXT/plain; format="fixed";\r\n\tCharSet="us-ascii" (comment); x=y\r\n'
    cte = b"CONTENT-TRANSFER-ENCODING:   7BIT (c)\r\n"
    result = placed(HEAD + odd + kind + cte + b"\r\nHello\r\n", UTF8_SIGNATURE)
    assert result.startswith(
        HEAD
        + b"X-Odd : kept\r\nno field\r\nfrom: x\r\n"
        + b'content-type: TEXT/plain; format="fixed"; charset=utf-8 (comment); x=y\r\n'
        + b"CONTENT-TRANSFER-ENCODING: quoted-printable\r\n\r\n"
    )


def test_a_message_without_mime_fields_gets_them_only_when_it_needs_them() -> None:
    head = b"From: ann@example.org\r\n"
    assert placed(head + b"\r\nHello\r\n") == head + b"\r\nHello\r\n\r\n-- \r\nAnn Lee\r\nExample Ltd\r\n"
    result = placed(head + b"\r\nHello\r\n", UTF8_SIGNATURE)
    assert result.startswith(
        head + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"MIME-Version: 1.0\r\n\r\nHello\r\n"
    )
    assert texts(result) == ["Hello\r\n\r\n-- \r\nÜnïcode ☃ 你\r\n"]


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n\r\n"])
def test_an_empty_message_has_the_signature_alone(end: bytes) -> None:
    result = placed(b"From: ann@example.org" + end)
    assert texts(result) == ["Ann Lee\r\nExample Ltd\r\n"]


def test_rfc_2231_charsets_are_replaced() -> None:
    kind = b"Content-Type: text/plain; charset*0*=us-ascii''us-; charset*1=ascii; name*=utf-8''a%20b\r\n"
    result = placed(b"From: a@example.org\r\nMIME-Version: 1.0\r\n" + kind + b"\r\nHello\r\n", UTF8_SIGNATURE)
    assert b"Content-Type: text/plain; charset=utf-8; name*=utf-8''a%20b\r\n" in result


def test_lines_over_998_octets_make_it_quoted_printable() -> None:
    message = HEAD + leaf(PLAIN, "plain", "us-ascii", "7bit")
    result = placed(message, MailSignature("x" * 999))
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in result
    assert max(map(len, result.split(b"\r\n"))) <= 76
    assert texts(result) == [plain_with(PLAIN, "x" * 999)]
    assert b"7bit" in placed(message, MailSignature("x" * 998))


def test_a_line_like_a_delimiter_does_not_end_the_part() -> None:
    message = HEAD + multipart("mixed", leaf(PLAIN, encoding="7bit"), PDF)
    result = placed(message, MailSignature("--=_b--\n--=_b\nx"))
    assert texts(result) == [plain_with(PLAIN, "--=_b--\r\n--=_b\r\nx")]


def test_a_part_that_ends_in_its_blank_line_stays_a_part() -> None:
    """The delimiter shares its line break with the blank line of the part before it."""
    message = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n\r\n--b\r\n" + PDF + b"\r\n--b--\r\n"
    )
    result = placed(message)
    assert b"X: y\r\n\r\nAnn Lee\r\nExample Ltd\r\n\r\n--b\r\n" in result


def test_a_part_whose_header_has_no_end_is_left_alone() -> None:
    message = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n--b\r\n" + PDF + b"\r\n--b--\r\n"
    assert refusal(message) == (SkipReason.BROKEN_STRUCTURE, "1")


def test_inline_images_divide_a_text_of_which_the_last_piece_is_signed() -> None:
    message = HEAD + multipart("mixed", leaf("Look:\r\n"), PNG, leaf("And bye.\r\n"), PDF)
    assert texts(placed(message)) == ["Look:\r\n", plain_with("And bye.\r\n")]
    quoting = leaf("Hello\r\n\r\nOn 3.2.2025, 10:00, Bob wrote:\r\n> Hi\r\n")
    message = HEAD + multipart("mixed", quoting, PNG, leaf("> more\r\n"))
    assert texts(placed(message))[0].startswith("Hello\r\n\r\nAnn Lee\r\nExample Ltd\r\n\r\nOn 3.2.2025")


def test_the_same_input_gives_the_same_octets() -> None:
    message = HEAD + STRUCTURES["nested"](leaf(PLAIN), leaf(HTML, "html"))
    assert placed(message) == placed(message)
    first, second = outcome(message), outcome(message)
    assert first[-1] == second[-1]
