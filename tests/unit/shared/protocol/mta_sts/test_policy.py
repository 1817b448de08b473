"""MTA-STS: the record, the policy and the answer, at their limits."""

from __future__ import annotations

import pytest

from shared.protocol.mta_sts.answer import BadAnswer, PolicyAnswer, policy_request
from shared.protocol.mta_sts.policy import (
    LONGEST_AGE,
    MOST_OCTETS,
    StsPolicy,
    StsPolicyError,
    matching_pattern,
    parse_policy,
)
from shared.protocol.mta_sts.record import policy_id, record_name

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["v=STSv1; unknown=x; id=abc; id=def"], "abc"),
        (["v=spf1 -all", "v=STSv1; id=2"], "2"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id="], None),
        (["v=STSv1; id=a-b"], None),
        (["v=STSv1; id=" + "a" * 33], None),
        (["v=stsv1; id=1"], None),
        (["v=STSv1; id=1; " + "x" * 2000], None),
        ([], None),
    ],
)
def test_the_id_of_a_record(texts: list[str], expected: str | None) -> None:
    assert policy_id(texts) == expected
    assert record_name("example.com") == "_mta-sts.example.com"


def test_a_policy_is_read_with_either_line_end_and_unknown_keys() -> None:
    expected = StsPolicy("enforce", ("mail.example.com", "*.example.net"), 604_800)
    assert parse_policy(POLICY) == expected
    assert parse_policy(POLICY.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\nx-later: yes\n\n") == expected


def test_the_first_of_equal_keys_counts_and_an_age_is_limited() -> None:
    text = b"version: STSv1\nmode: testing\nmode: enforce\nmx: A.Example.\nmax_age: 9999999999\n"
    assert parse_policy(text) == StsPolicy("testing", ("a.example",), LONGEST_AGE)


def test_a_policy_of_mode_none_needs_no_host() -> None:
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n") == StsPolicy("none", (), 86_400)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no version"),
        (POLICY.replace(b"STSv1", b"STSv2"), "no version"),
        (POLICY.replace(b"enforce", b"strict"), "no valid mode"),
        (POLICY.replace(b"604800", b"-1"), "no valid max_age"),
        (POLICY.replace(b"604800", b"1" * 11), "no valid max_age"),
        (b"version: STSv1\nmode: enforce\nmax_age: 1\n", "names no host"),
        (POLICY.replace(b"mail.example.com", b"mail.*.com"), "a host that is none"),
        (POLICY + b"<html>\n", "line 6"),
        (POLICY + b"\n" * 3000, "more than 2000 lines"),
        (POLICY + b"".join(b"mx: h%d.example\n" % n for n in range(300)), "more than 200 hosts"),
        (POLICY + b" " * MOST_OCTETS, "longer than"),
    ],
)
def test_a_text_that_is_no_policy(text: bytes, reason: str) -> None:
    with pytest.raises(StsPolicyError, match=reason):
        parse_policy(text)


@pytest.mark.parametrize(
    ("host", "pattern"),
    [
        ("mail.example.com", "mail.example.com"),
        ("MAIL.example.com.", "mail.example.com"),
        ("a.example.net", "*.example.net"),
        ("a.b.example.net", None),
        ("example.net", None),
        ("example.com", None),
        ("badmail.example.com", None),
    ],
)
def test_a_wildcard_matches_one_label(host: str, pattern: str | None) -> None:
    assert matching_pattern(parse_policy(POLICY), host) == pattern


def body_of(answer: bytes, step: int = 7) -> bytes | None:
    """The body of an answer that comes in pieces; the connection ends behind it."""
    reader = PolicyAnswer()
    for at in range(0, len(answer), step):
        body = reader.receive(answer[at : at + step])
        if body is not None:
            return body
    return reader.receive(b"")


HEADER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"


@pytest.mark.parametrize("step", [1, 5, 10_000])
def test_a_body_ends_with_its_length_its_last_chunk_or_the_connection(step: int) -> None:
    counted = HEADER + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY + b"more"
    chunks = b"10\r\n" + POLICY[:16] + b"\r\n%x;x=y\r\n" % len(POLICY[16:]) + POLICY[16:] + b"\r\n0\r\n\r\n"
    assert body_of(counted, step) == POLICY
    assert body_of(HEADER + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, step) == POLICY
    assert body_of(HEADER + b"\r\n" + POLICY, step) == POLICY
    assert policy_request("mta-sts.example.com").startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "ended before the answer"),
        (b"SSH-2.0-x\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://other.example/\r\n\r\n", "status 301"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n", "status 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "not text/plain"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "not text/plain"),
        (HEADER + b"bad header\r\n\r\n", "cannot be read"),
        (HEADER + b"Content-Encoding: gzip\r\n\r\n", "not asked for"),
        (HEADER + b"Content-Length: 100\r\n\r\nshort", "before the whole policy"),
        (HEADER + b"Content-Length: x\r\n\r\n", "no valid Content-Length"),
        (HEADER + b"Content-Length: 70000\r\n\r\n", "longer than"),
        (HEADER + b"\r\n" + b"x" * 70_000, "longer than"),
        (HEADER + b"X: " + b"x" * 20_000, "header of the answer is longer"),
        (HEADER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "not chunked"),
        (HEADER + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXY", "wrong length"),
        (HEADER + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n", "longer than"),
        (HEADER + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5_000, "longer than"),
        (HEADER + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 500, "not chunked"),
    ],
)
def test_an_answer_that_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(BadAnswer, match=reason):
        body_of(answer)
