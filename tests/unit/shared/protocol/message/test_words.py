"""Encoded words and parameters (RFC 2047, RFC 2231), charsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.charset import codec_of, decode
from shared.protocol.message.content import parse_parameters
from shared.protocol.message.words import decode_parameters, decode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 2047 §8
        (b"=?ISO-8859-1?Q?a?=", "a"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=\r\n =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        ),
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        (b"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
        (b"=?UTF-8?B?w6k?=", "é"),
        (b"=?utf-8?q?a b?= c", "a b c"),
        (b"x=?utf-8?q?y?=z", "xyz"),
        (b"=?nowhere?q?=C3=A9?=", "é"),
        (b"=?utf-8?q?=FF?=", "�"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?abc", "=?utf-8?q?abc"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= =?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テストテスト"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=", "Привет"),
        (b"", ""),
    ],
)
def test_encoded_words(value: bytes, text: str) -> None:
    assert decode_words(value) == text


def parameters(value: bytes) -> dict[str, str]:
    return dict(decode_parameters(parse_parameters(value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 2231 §3, §4, §4.1
        (b'message/external-body; URL*0="ftp://"; URL*1="cs.utk.edu/x.tar"', {"url": "ftp://cs.utk.edu/x.tar"}),
        (b"x; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", {"title": "This is ***fun***"}),
        (
            b"x; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't "
            b'it!"',
            {"title": "This is even more ***fun*** isn't it!"},
        ),
        (b"x; filename*1=b; filename*0=a; filename*3=lost", {"filename": "ab"}),
        (b"x; filename=plain; filename*=utf-8''%C3%A9", {"filename": "é"}),
        (b"x; filename*=%C3%A9", {"filename": "é"}),
        (b'x; filename="=?utf-8?q?=C3=A9.txt?="', {"filename": "é.txt"}),
        (b"x; filename*=utf-8''a%0D%0Ab", {"filename": "a  b"}),
        (b'x; a="1\\"2"; A=3', {"a": '1"2'}),
        (b"x; filename=my report.pdf; charset=utf-8 (comment)", {"filename": "my report.pdf", "charset": "utf-8"}),
        (b'x; name="unclosed', {"name": "unclosed"}),
        (b"x;; ; a=1;", {"a": "1"}),
        (b"x; =1; a", {}),
    ],
)
def test_parameters(value: bytes, expected: dict[str, str]) -> None:
    assert parameters(value) == expected


@pytest.mark.parametrize(
    "name",
    [
        "zlib",
        "bz2",
        "rot13",
        "base64",
        "hex",
        "punycode",
        "idna",
        "unicode_escape",
        "undefined",
        "mbcs",
        "../x",
        "x" * 999,
    ],
)
def test_names_that_are_no_charset(name: str) -> None:
    assert codec_of(name) is None
    assert decode(b"caf\xe9", name) == "café"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("UTF-8", b"\xc3\xa9", "é"),
        ("utf8", b"\xc3\xa9", "é"),
        ("us-ascii", b"\xc3\xa9", "é"),
        ("iso-8859-1", b"\x93q\x94", "“q”"),
        ("ks_c_5601-1987", b"\xb0\xa1", "가"),
        ("shift_jis", b"\x83e", "テ"),
        ("koi8-r", b"\xf0", "П"),
        ("utf-16", b"\xff\xfea\x00", "a"),
        ("iso-8859-8-i", b"\xe0", "א"),
    ],
)
def test_charsets_as_mail_means_them(name: str, data: bytes, text: str) -> None:
    assert decode(data, name) == text


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-7", "utf-8", "utf-16", "utf-32", "iso-2022-kr", "hz-gb-2312", "big5", "cp037", "x"]),
)
def test_decoding_gives_what_utf8_can_carry(data: bytes, charset: str) -> None:
    decode(data, charset).encode("utf-8")


def test_utf7_surrogates() -> None:
    assert "\ud800" not in decode(b"+2AA-", "utf-7")


def test_limit_in_bytes() -> None:
    assert decode(b"abcdef", "utf-8", limit=3) == "abc"


@given(
    st.lists(
        st.sampled_from([b"=?", b"?=", b"utf-8", b"?q?", b"?b?", b"=C3", b" ", b"\xff", b"*", b"a", b"iso-2022-jp"])
    ).map(b"".join)
)
def test_words_never_raise(value: bytes) -> None:
    decode_words(value).encode("utf-8")


@given(
    st.lists(
        st.sampled_from(
            [b";", b"=", b"a", b"*", b"0", b"1", b'"', b"\\", b"'", b"%", b"%41", b" ", b"\xff", b"utf-8''"]
        )
    ).map(b"".join)
)
def test_parameters_never_raise(value: bytes) -> None:
    parameters(b"x;" + value)
