"""The field as others read it, checked with the package `authres`."""

from __future__ import annotations

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.authres.field import MethodResult, build_field
from shared.protocol.authres.identifier import canonical_id, is_ours, read_authserv_id
from shared.protocol.authres.verdicts import dkim_results, dmarc_result, spf_result
from shared.protocol.dkim.result import DkimResult
from shared.protocol.dmarc.result import DmarcResult
from shared.protocol.spf.result import SpfResult

SIGNATURE = DkimResult("pass", "example.org", "sel", "rsa-sha256", "@example.org", "", 2048, "ab/d+fg=")
OURS = frozenset({canonical_id("mx.Example.org"), canonical_id("bücher.example")})


def oracle(field: bytes) -> authres.AuthenticationResultsHeader:
    return authres.AuthenticationResultsHeader.parse(field.decode("utf-8").replace("\r\n\t", " ").strip())


def test_verdicts() -> None:
    results = [
        spf_result(SpfResult("pass", "example.org", "mfrom"), "ann+x@example.org"),
        *dkim_results([SIGNATURE, DkimResult("fail", "example.net", reason="body hash did not verify")]),
        dmarc_result(DmarcResult("fail", "example.org", "reject"), "quarantine"),
    ]
    field = build_field("mx.example.net", results)
    parsed = oracle(field)
    assert parsed.authserv_id == "mx.example.net"
    assert [(result.method, result.result) for result in parsed.results] == [
        ("spf", "pass"),
        ("dkim", "pass"),
        ("dkim", "fail"),
        ("dmarc", "fail"),
    ]
    assert [(item.type, item.name, item.value) for item in parsed.results[1].properties] == [
        ("header", "d", "example.org"),
        ("header", "i", "@example.org"),
        ("header", "s", "sel"),
        ("header", "a", "rsa-sha256"),
        ("header", "b", "ab/d+fg="),
    ]
    assert parsed.results[2].reason == "body hash did not verify"
    assert parsed.results[3].properties[1].value == "quarantine"
    assert all(len(line) <= 78 for line in field.split(b"\r\n"))


def test_quotes_are_escaped() -> None:
    field = build_field("mx.example.org", [MethodResult("spf", "fail", 'a "b" \\c', (("smtp.mailfrom", '"x y"@z'),))])
    assert field.endswith(b'spf=fail reason="a \\"b\\" \\\\c" smtp.mailfrom="\\"x y\\"@z"\r\n')


def test_none() -> None:
    assert build_field("mx.example.org", []) == b"Authentication-Results: mx.example.org;\r\n\tnone\r\n"
    assert dkim_results([]) == (MethodResult("dkim", "none"),)


def test_null_reverse_path() -> None:
    result = spf_result(SpfResult("neutral", "h.example", "helo", reason="no mechanism matched"), "")
    assert result.properties == (("smtp.helo", "h.example"),)


def test_utf8_stays() -> None:
    field = build_field(
        "mx.example.org", [MethodResult("spf", "pass", "", (("smtp.mailfrom", "üser@bücher.example"),))]
    )
    assert field.endswith("smtp.mailfrom=üser@bücher.example\r\n".encode())


@given(st.text(max_size=80), st.text(max_size=80))
def test_strangers_cannot_break_out(value: str, reason: str) -> None:
    """Whatever a value contains, the field has one result and one property."""
    field = build_field("mx.example.org", [MethodResult("spf", "fail", reason, (("smtp.mailfrom", value),))])
    text = field.decode("utf-8")
    assert text.count("\r\n") == text.count("\r\n\t") + 1
    assert not set(text.replace("\r\n\t", "")) - {"\r", "\n"} & {chr(code) for code in range(32)}
    if value.isascii() and reason.isascii() and "\\" not in value + reason:
        parsed = oracle(field)
        assert len(parsed.results) == 1
        assert len(parsed.results[0].properties) == (1 if value else 0)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (" mx.example.org; spf=pass", "mx.example.org"),
        (" mx.example.org 1; spf=pass", "mx.example.org"),
        (" (a (nested \\) comment)) mx.example.org(x) ; none", "mx.example.org"),
        ("\r\n\tmx.example.org;\r\n\tnone", "mx.example.org"),
        (' "mx.example.org" 1; none', "mx.example.org"),
        (' "a\\"b"; none', 'a"b'),
        ("mx.example.org", "mx.example.org"),
        ("", ""),
        (" (never closed mx.example.org; none", ""),
        ('"never closed', ""),
    ],
)
def test_reads_the_identifier(value: str, written: str) -> None:
    assert read_authserv_id(value) == written


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        ("MX.example.ORG; none", True),
        ("mx.example.org.; none", True),
        ('"mx.example.org"; none', True),
        ("mx.example.org/1; none", True),
        ("xn--bcher-kva.example; none", True),
        ("BÜCHER.example; none", True),
        ("mx.example.org.evil.example; none", False),
        ("other.example; mx.example.org", False),
        ("", False),
    ],
)
def test_forged_ones_are_found(value: str, ours: bool) -> None:
    assert is_ours(value, OURS) is ours


@given(st.text(max_size=100))
def test_any_value(value: str) -> None:
    is_ours(value, OURS)


def test_deep_comments_cost_little() -> None:
    assert read_authserv_id("(" * 100_000 + ")" * 100_000 + " mx.example.org") == "mx.example.org"
    assert read_authserv_id('"' + "\\" * 100_001) == ""
