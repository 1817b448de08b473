"""The addresses in whose name a user's message is sent."""

from __future__ import annotations

import pytest

from services.ingress.domain.claims import UnclearClaim, claimed_addresses, needs_sender
from services.ingress.domain.prefix import completion

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.mark.parametrize(
    ("header", "claimed"),
    [
        ("Subject: x", []),
        (f"From: Ann <{ANN}>", [ANN]),
        (f"From: {ANN}\r\nSender: {BOB}", [ANN, BOB]),
        (f"FROM : {ANN}\r\nsender\t:\r\n =?utf-8?q?B=C3=B6b?=\r\n <{BOB}>", [ANN, BOB]),
        (f"From: {ANN}, {BOB}", [ANN, BOB]),
        (f"From: Us: {ANN}, {BOB};", [ANN, BOB]),
        (f"From: {ANN}\r\nResent-From: {BOB}", [ANN, BOB]),
        (f"From: {ANN}\r\nResent-Sender: {BOB}\r\nResent-From: {ANN}", [ANN, BOB]),
        # The newest is on top; below are those who resent the message before (RFC 5322 §3.6.6).
        (f"Resent-From: {ANN}\r\nResent-From: {BOB}\r\nFrom: {ANN}", [ANN]),
        (f"From: {ANN}\r\nReply-To: {BOB}\r\nTo: {BOB}", [ANN]),
    ],
)
def test_every_name_is_claimed(header: str, claimed: list[str]) -> None:
    assert [str(address) for address in claimed_addresses(header.encode() + b"\r\n\r\n")] == claimed


@pytest.mark.parametrize(
    "header",
    [
        f"From: {ANN}\r\nFrom: {ANN}",
        "From: ",
        "From: Ann",
        "From: a\0nn@example.org",
        f"From: {ANN}\r\nSender: {ANN}\r\nSender: {ANN}",
        f"From: {ANN}\r\nSender: {ANN}, {BOB}",
        f"From: {ANN}\r\nSender:",
        f"From: {ANN}\r\nSender: bob",
        f"From: {ANN}\r\nResent-From: <>",
    ],
)
def test_what_two_programs_may_read_differently_is_unclear(header: str) -> None:
    with pytest.raises(UnclearClaim):
        claimed_addresses(header.encode() + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("header", "needed"),
    [
        (f"From: {ANN}", False),
        (f"From: {ANN}, {BOB}", True),
        (f"From: {ANN}, {BOB}\r\nSender: {ANN}", False),
        ("Subject: x", False),
    ],
)
def test_several_authors_need_a_sender(header: str, needed: bool) -> None:
    """RFC 5322 §3.6.2; RFC 6409 §8.1 lets the server add it."""
    block = header.encode() + b"\r\n\r\n"
    assert needs_sender(block) is needed
    assert (b"\r\nSender: <ann@example.org>\r\n" in completion(block, "q1", "mx.example.org", ANN, 0)) is needed
