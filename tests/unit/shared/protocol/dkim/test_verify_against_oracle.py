"""Our verifier and dkimpy agree, on messages that dkimpy signed."""

from __future__ import annotations

import itertools

import pytest

from shared.protocol.dkim.signing_key import SigningKey
from tests.unit.shared.protocol.dkim.messages import (
    SIMPLE,
    corpus,
    ed25519_key,
    oracle_sign,
    oracle_verify,
    rsa_key,
    verify,
    zone,
)

METHODS = [b"simple", b"relaxed"]
LOOKUP = zone(rsa_key(), ed25519_key())
BODIES = [
    b"",
    b"\r\n",
    b"\r\n\r\n\r\n",
    b"  \t\r\n \r\n",
    b"one line\r\n",
    b"no line end",
    b"trailing blank lines\r\n\r\n\r\n\r\n",
    b"inner\r\n\r\n\r\nblank lines\r\n",
    b" leading and trailing \t \r\n\t\tand tabs\t\r\n",
    b"spaces" + b" " * 5000 + b"x" + b" " * 5000 + b"\r\n",
    b"a\r\n" * 3000 + b"\r\n" * 3000 + b"b\r\n" + b"\r\n" * 3000,
    b"\xff\xfe\x00 binary \x0b\x0c\r\n",
]


@pytest.mark.parametrize("key", [rsa_key(), ed25519_key()], ids=["rsa", "ed25519"])
@pytest.mark.parametrize(("header", "body"), list(itertools.product(METHODS, METHODS)))
@pytest.mark.parametrize("content", BODIES, ids=range(len(BODIES)))
def test_bodies(key: SigningKey, header: bytes, body: bytes, content: bytes) -> None:
    message = SIMPLE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + content
    signed = oracle_sign(message, key, (header, body))
    assert oracle_verify(signed, LOOKUP)
    for step in (1, 7, 100_000):
        (result,) = verify(signed, LOOKUP, step=step)
        assert result.result == "pass", result
    assert (result.domain, result.selector, result.algorithm) == ("example.org", key.selector, key.algorithm)


@pytest.mark.parametrize(("header", "body"), list(itertools.product(METHODS, METHODS)))
def test_length_tag(header: bytes, body: bytes) -> None:
    signed = oracle_sign(SIMPLE, rsa_key(), (header, body), length=True)
    (whole,) = verify(signed, LOOKUP)
    assert (whole.result, whole.unsigned_octets) == ("pass", 0)
    assert whole.signed_length
    (longer,) = verify(signed + b"an added footer\r\n", LOOKUP, step=3)
    assert longer.result == "pass"
    assert longer.unsigned_octets > 0
    assert oracle_verify(signed + b"an added footer\r\n", LOOKUP)


def test_corpus_signed_by_the_oracle() -> None:
    """Every 40th corpus mail, all four canonicalisations and both key kinds in turn, whole and damaged."""
    turns = itertools.cycle(itertools.product(METHODS, METHODS, [rsa_key(), ed25519_key()]))
    count = 0
    for message, (header, body, key) in zip(corpus(40), turns, strict=False):
        signed = oracle_sign(message, key, (header, body))
        damaged = signed[:-4] + b"~\r\n"
        assert verify(signed, LOOKUP)[0].result == "pass"
        assert verify(damaged, LOOKUP)[0].result == ("pass" if oracle_verify(damaged, LOOKUP) else "fail")
        count += 1
    assert count > 100


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject:  two", b"Subject: two"),
        (b"Subject:  two", b"subject:  two"),
        (b"Subject:  two", b"Subject :  two"),
        (b"words\r\n folded", b"words folded"),
        (b"Subject:  two", b"Subject:  three"),
        (b"To: bob@example.net\r\n", b""),
        (b"To: bob@example.net\r\n", b"To: bob@example.net\r\nTo: eve@example.net\r\n"),
        (b"From: Ann  <ann@example.org>\r\n", b"From: eve@evil.example\r\nFrom: Ann  <ann@example.org>\r\n"),
        (b"Received: from a", b"Received: from b"),
        (b"\tthis is", b" this is"),
        (b"Hello,  \r\n", b"Hello,\r\n"),
        (b"Hello", b"hello"),
    ],
)
@pytest.mark.parametrize(("header", "body"), list(itertools.product(METHODS, METHODS)))
def test_changes_on_the_way(old: bytes, new: bytes, header: bytes, body: bytes) -> None:
    changed = oracle_sign(SIMPLE, rsa_key(), (header, body)).replace(old, new)
    (result,) = verify(changed, LOOKUP)
    if b"Subject :" in changed:  # obsolete form (RFC 5322 §4.5.8), which the oracle cannot read
        assert result.result == ("pass" if header == b"relaxed" else "fail")
    else:
        assert (result.result == "pass") is oracle_verify(changed, LOOKUP), result


def test_oversigned_and_absent_fields() -> None:
    names = [b"from", b"from", b"subject", b"to", b"x-absent", b"date"]
    signed = oracle_sign(SIMPLE, rsa_key(), (b"relaxed", b"relaxed"), include_headers=names)
    assert oracle_verify(signed, LOOKUP)
    assert verify(signed, LOOKUP)[0].result == "pass"
    added = b"X-Absent: now there\r\n" + signed
    assert not oracle_verify(added, LOOKUP)
    assert verify(added, LOOKUP)[0].result == "fail"


def test_several_signatures() -> None:
    once = oracle_sign(SIMPLE, rsa_key(), (b"simple", b"simple"))
    twice = oracle_sign(once, ed25519_key(), (b"relaxed", b"simple"))
    third = oracle_sign(twice, rsa_key("unknown.example", "gone"), (b"relaxed", b"relaxed"))
    assert [result.result for result in verify(third, LOOKUP)] == ["permerror", "pass", "pass"]
    assert [oracle_verify(third, LOOKUP, index) for index in range(3)] == [False, True, True]
