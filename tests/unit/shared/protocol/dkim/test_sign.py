"""What we sign, dkimpy verifies."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dkim.profile import BOTH, UNSIGNED, SigningProfile
from shared.protocol.dkim.sign import MOST_OF_A_NAME, hash_body, sign, signatures
from shared.protocol.dkim.signing_key import SigningKey
from tests.unit.shared.protocol.dkim.messages import (
    NOW,
    SIMPLE,
    corpus,
    ed25519_key,
    oracle_verify,
    rsa_key,
    verify,
    zone,
)

LOOKUP = zone(rsa_key(), ed25519_key())
RSA_ONLY = SigningProfile(("rsa",))
SES = SigningProfile(("rsa",), frozenset({b"message-id", b"date", b"return-path"}))
"""What Amazon SES takes: one signature, not over the fields that it writes anew."""


def signed(message: bytes, key: SigningKey, identity: str = "") -> bytes:
    head, _, body = message.partition(b"\r\n\r\n")
    return sign(head + b"\r\n", hash_body([body[:7], body[7:]]), key, NOW, identity) + message


@pytest.mark.parametrize("key", [rsa_key(), ed25519_key()], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("identity", ["", "ann@example.org"])
def test_both_verify(key: SigningKey, identity: str) -> None:
    message = signed(SIMPLE, key, identity)
    assert oracle_verify(message, LOOKUP)
    (result,) = verify(message, LOOKUP)
    assert (result.result, result.identity) == ("pass", identity or "@example.org")
    assert all(len(line) <= 78 for line in message.partition(b"\r\nReceived")[0].split(b"\r\n"))


def test_corpus() -> None:
    count = 0
    for message in corpus(60):
        double = signed(signed(message, rsa_key()), ed25519_key())
        assert oracle_verify(double, LOOKUP, 0)
        assert oracle_verify(double, LOOKUP, 1)
        assert [result.result for result in verify(double, LOOKUP)] == ["pass", "pass"]
        count += 1
    assert count > 80


@pytest.mark.parametrize("name", [b"From", b"To", b"Subject", b"Date", b"Reply-To", b"Message-ID", b"Cc"])
def test_nothing_can_be_added(name: bytes) -> None:
    message = name + b": eve@evil.example\r\n" + signed(SIMPLE, rsa_key())
    assert verify(message, LOOKUP)[0].result == "fail"
    assert not oracle_verify(message, LOOKUP)


def both(message: bytes, profile: SigningProfile = BOTH, cuts: int = 7) -> bytes:
    """The message with the signatures of a profile; its body is hashed in pieces of so many octets."""
    head, _, body = message.partition(b"\r\n\r\n")
    body_hash = hash_body(body[at : at + cuts] for at in range(0, len(body), cuts))
    return signatures(head + b"\r\n", body_hash, [ed25519_key(), rsa_key()], NOW, profile) + message


def names_signed(message: bytes, index: int = 0) -> list[str]:
    """h= of a signature, read without our parser."""
    field = re.split(rb"\r\n(?![ \t])", message)[index]
    value = re.search(rb";\s*h=([^;]*);", field)
    assert value is not None
    return re.sub(r"\s", "", value[1].decode()).split(":")


HEAD = b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: x\r\n"
SHAPES = {
    "no body": HEAD + b"\r\n",
    "only empty lines": HEAD + b"\r\n" + b"\r\n" * 50,
    "no line end": HEAD + b"\r\nlast line",
    "8-bit": HEAD + "Comments: grün\r\nSubject: Größe 😀\r\n\r\nÄ ö\t \xff\r\n".encode("latin-1", "replace"),
    "8-bit body": HEAD + b"\r\n" + bytes(range(128, 256)) * 40 + b"\r\n",
    "a long folded field": HEAD + b"References:" + b"\r\n\t <0123456789abcdef@example.org> \t" * 300 + b"\r\n\r\nx\r\n",
    "a field of one line": HEAD + b"Reply-To: " + b"a@example.org, " * 65 + b"b@example.org\r\n\r\nx\r\n",
    "a name in capitals": b"FROM:  \r\n\tann@example.org\t\r\nTO:bob@example.net\r\n\r\nx\r\n",
    "a long body": HEAD + b"\r\n" + b"some words \t here  \r\n\r\n\r\n" * 5000,
}


@pytest.mark.parametrize("message", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("cuts", [1, 997, 65536])
def test_two_signatures_of_one_body_hash_verify(message: bytes, cuts: int) -> None:
    sent = both(message, cuts=cuts)
    assert [result.algorithm for result in verify(sent, LOOKUP)] == ["rsa-sha256", "ed25519-sha256"]
    assert [result.result for result in verify(sent, LOOKUP)] == ["pass", "pass"]
    assert oracle_verify(sent, LOOKUP, 0)
    assert oracle_verify(sent, LOOKUP, 1)


@pytest.mark.parametrize(
    ("profile", "algorithms"),
    [(BOTH, ["rsa-sha256", "ed25519-sha256"]), (RSA_ONLY, ["rsa-sha256"]), (SES, ["rsa-sha256"]), (UNSIGNED, [])],
)
def test_a_profile_says_how_many_signatures(profile: SigningProfile, algorithms: list[str]) -> None:
    sent = both(SIMPLE, profile)
    assert [result.algorithm for result in verify(sent, LOOKUP)] == algorithms
    assert sent.count(b"DKIM-Signature:") == len(algorithms)


def test_a_kind_without_a_key_is_left_out() -> None:
    assert signatures(HEAD, hash_body([]), [], NOW) == b""
    assert signatures(HEAD, hash_body([]), [ed25519_key()], NOW).count(b"a=ed25519-sha256") == 1


def test_what_ses_writes_anew_is_not_signed() -> None:
    sent = both(b"Return-Path: <ann@example.org>\r\n" + SIMPLE, SES)
    changed = sent.replace(b"<1@example.org>", b"<2@email.amazonses.com>").replace(b"10:00:00 +0000", b"10:00:07 +0000")
    assert not {"message-id", "date", "return-path"} & set(names_signed(sent))
    assert verify(changed.replace(b"Return-Path: <ann", b"Return-Path: <bounce"), LOOKUP)[0].result == "pass"


def test_names_occur_as_rfc_6376_wants() -> None:
    message = (
        b"Received: x\r\nReturn-Path: <a@example.org>\r\nBcc: c@example.net\r\nList-Id: <l.example.org>\r\n"
        b"Sender: s@example.org\r\nResent-To: b@example.net\r\nResent-To: d@example.net\r\nTo: b@example.net\r\n"
        b"To: c@example.net\r\nMIME-Version: 1.0\r\nFrom: ann@example.org\r\n\r\nx\r\n"
    )
    names = names_signed(both(message))
    assert Counter(names) == {
        **dict.fromkeys(["cc", "subject", "date", "message-id", "reply-to"], 1),
        **dict.fromkeys(["content-type", "content-transfer-encoding"], 1),
        **dict.fromkeys(["from", "mime-version", "resent-to"], 2),
        **dict.fromkeys(["sender", "list-id"], 1),
        "to": 3,
    }


@pytest.mark.parametrize(
    "field", [b"Sender: l@lists.example", b"List-Id: <l.lists.example>", b"Resent-From: c@example.net", b"Received: y"]
)
def test_what_lists_and_forwarders_add_does_not_break_it(field: bytes) -> None:
    sent = field + b"\r\n" + both(SIMPLE)
    assert [result.result for result in verify(sent, LOOKUP)] == ["pass", "pass"]
    assert oracle_verify(sent, LOOKUP, 0)


@pytest.mark.parametrize("name", [b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding"])
def test_no_mime_field_can_be_added(name: bytes) -> None:
    assert verify(name + b": x\r\n" + both(SIMPLE), LOOKUP)[0].result == "fail"


def test_a_name_is_signed_only_so_often() -> None:
    message = b"To: a@example.net\r\n" * 3000 + b"Resent-To: a@example.net\r\n" * 3000 + SIMPLE
    sent = both(message)
    names = Counter(names_signed(sent))
    assert (names["to"], names["resent-to"]) == (MOST_OF_A_NAME, MOST_OF_A_NAME)
    assert [result.result for result in verify(sent, LOOKUP)] == ["pass", "pass"]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_octets_in_any_pieces(octets: bytes, cuts: int) -> None:
    body = re.sub(rb"\r(?!\n)|(?<!\r)\n", b"\r\n", octets) + b"\r\n"
    sent = both(HEAD + b"\r\n" + body, cuts=cuts)
    assert oracle_verify(sent, LOOKUP, 0)
    assert oracle_verify(sent, LOOKUP, 1)
