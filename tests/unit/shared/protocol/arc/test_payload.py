"""The results that a set carries: written, and merged from Authentication-Results fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.arc.payload import MOST_MERGED, arc_result, merged_payload, results_payload
from shared.protocol.arc.result import ChainResult
from shared.protocol.authres.field import MethodResult

ID = "mx.example.org"
FIELD = b"Authentication-Results:"


def test_results() -> None:
    spf = MethodResult("spf", "pass", "", (("smtp.mailfrom", "ann@example.org"),))
    assert results_payload(ID, [spf]) == b"mx.example.org;\r\n\tspf=pass smtp.mailfrom=ann@example.org"
    assert results_payload(ID, []) == b"mx.example.org;\r\n\tnone"


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (ChainResult("none"), b"arc=none"),
        (ChainResult("pass", instance=2, oldest_pass=0), b"arc=pass header.oldest-pass=0"),
        (ChainResult("fail", "no key at a.example\r\nX: y"), b'arc=fail reason="no key at a.example??X: y"'),
    ],
)
def test_the_result_of_arc(verdict: ChainResult, text: bytes) -> None:
    assert results_payload(ID, [arc_result(verdict)]) == b"mx.example.org;\r\n\t" + text


@pytest.mark.parametrize(
    ("header", "merged"),
    [
        (b"", b"none"),
        (FIELD + b" mx.example.org; none\r\n", b"none"),
        (FIELD + b" mx.example.org\r\n", b"none"),
        (FIELD + b" mx.example.org;\r\n", b"none"),
        (FIELD + b" other.example; spf=pass\r\n", b"none"),
        (FIELD + b" mx.example.org; spf=pass\r\n", b"spf=pass"),
        (FIELD + b"\r\n\tMX.Example.org 1 ;\r\n\tspf=pass;\r\n\tdkim=none;\r\n", b"spf=pass;\r\n\tdkim=none"),
        (FIELD + b' (a;b) "mx.example.org" (;) ; spf=pass reason="a;b"\r\n', b'spf=pass reason="a;b"'),
        (
            FIELD + b" mx.example.org; spf=pass\r\n" + FIELD + b" other.example; dkim=fail\r\nSubject: x\r\n"
            b"authentication-results: mx.example.org; arc=none (c)\r\n",
            b"spf=pass;\r\n\tarc=none (c)",
        ),
    ],
)
def test_merged(header: bytes, merged: bytes) -> None:
    assert merged_payload(header, ID) == b"mx.example.org;\r\n\t" + merged


def test_endless_results_are_left_out() -> None:
    half = b"x=" + b"y" * (MOST_MERGED // 2 - 2)
    field = FIELD + b" mx.example.org; " + half + b"\r\n"
    assert merged_payload(field * 3, ID) == b";\r\n\t".join([b"mx.example.org", half, half])


@given(st.binary(max_size=200))
def test_any_octets(noise: bytes) -> None:
    assert merged_payload(FIELD + b" mx.example.org; " + noise, ID).startswith(b"mx.example.org;\r\n\t")
