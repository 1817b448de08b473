"""The addresses of a deleted account are replaced wherever an event has them, and no other address is."""

from __future__ import annotations

import base64

import msgspec
import pytest

from shared.erasure.former_addresses import FormerAddress, FormerAddresses

ANN = FormerAddresses("a1", [FormerAddress("ann@example.org", "+", 100, 200)])


@pytest.mark.parametrize(
    ("text", "remains"),
    [
        ("ann@example.org", "a1@example.org"),
        ("to ANN@Example.ORG, bob@example.org", "to a1@Example.ORG, bob@example.org"),
        ("Return-Path: <ann+shop@example.org>\r\n", "Return-Path: <a1@example.org>\r\n"),
        ("SRS0=hash=tt=example.org=ann@example.org", "SRS0=hash=tt=example.org=a1@example.org"),
        ("rfc822;ann@example.org.", "rfc822;a1@example.org."),
        (
            "joann@example.org ann.lee@example.org ann-x@example.org",
            "joann@example.org ann.lee@example.org ann-x@example.org",
        ),
        ("ann@example.org.uk ann@sub.example.org", "ann@example.org.uk ann@sub.example.org"),
        ("ann", "ann"),
    ],
)
def test_only_the_address_is_replaced(text: str, remains: str) -> None:
    assert ANN.text(text) == remains


def test_what_is_recorded_at_another_time_belongs_to_another_holder() -> None:
    assert [ANN.text("ann@example.org", at)[:2] for at in (99, 100, 200, 201)] == ["an", "a1", "a1", "an"]


def test_octets_in_octets_are_looked_into() -> None:
    prefix = base64.b64encode(b"Delivered-To: ann@example.org\r\n\xff").decode()
    inner = msgspec.json.encode({"prefix": prefix})
    data = msgspec.json.encode({"payload": base64.b64encode(inner).decode(), "count": 3})
    kept = msgspec.json.decode(ANN.data(data))
    assert kept["count"] == 3
    known = msgspec.json.decode(base64.b64decode(kept["payload"]))
    assert base64.b64decode(known["prefix"]) == b"Delivered-To: a1@example.org\r\n\xff"


@pytest.mark.parametrize("data", [b"", b"{}", b"ann@example.org", b"\xff\xfe", b'{"a":"AAAAAAAAAAAAAAAAAAAA"}'])
def test_data_without_the_address_stays_octet_for_octet(data: bytes) -> None:
    assert ANN.data(data) == data


def test_hostile_depth_and_length_end() -> None:
    text = "ann@example.org"
    for _ in range(12):
        text = base64.b64encode(msgspec.json.encode({"x": text})).decode()
    assert ANN.data(msgspec.json.encode({"x": text})) == msgspec.json.encode({"x": text})
    assert ANN.text("a" * 1_000_000 + "@example.org").endswith("@example.org")
    assert ANN.text("@" * 1_000_000) == "@" * 1_000_000
