"""Received and Return-Path."""

import datetime

import pytest

from shared.protocol.address.address import Address
from shared.protocol.smtp.trace_header import Hop, TraceTls, date_time, received, return_path, with_protocol

_AT = datetime.datetime(2026, 11, 3, 9, 5, 7, 123456, tzinfo=datetime.UTC)


def hop(**values: object) -> Hop:
    events: dict[str, object] = {
        "hello": "client.example",
        "client_address": "192.0.2.7",
        "client_name": "mail.client.example",
        "hostname": "mx.example.org",
        "queue_id": "Q7",
        "at": _AT,
    }
    return Hop(**{**events, **values})  # type: ignore[arg-type]


def test_received() -> None:
    tls = TraceTls("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)
    assert received(hop(tls=tls, recipient=Address("ann", "example.org"))).decode() == (
        "Received: from client.example (mail.client.example [192.0.2.7])\r\n"
        "\tby mx.example.org (Mailfold) with ESMTPS id Q7\r\n"
        "\t(TLSv1.3 with cipher TLS_AES_256_GCM_SHA384, 256 bits)\r\n"
        "\tfor <ann@example.org>;\r\n"
        "\tTue, 3 Nov 2026 09:05:07 +0000\r\n"
    )


def test_received_at_its_shortest() -> None:
    assert received(hop(client_name=None, client_address="2001:db8::1")).decode() == (
        "Received: from client.example ([IPv6:2001:db8::1])\r\n"
        "\tby mx.example.org (Mailfold) with ESMTP id Q7;\r\n"
        "\tTue, 3 Nov 2026 09:05:07 +0000\r\n"
    )


@pytest.mark.parametrize(
    "hello", ["a)\r\nX-Evil: 1", "(((", "a\0b", 'x"y', "ä" * 3, "a" * 2000, "[192.0.2.7]", "my_pc"]
)
def test_what_a_client_calls_itself_cannot_break_the_field(hello: str) -> None:
    lines = received(hop(hello=hello, client_name="evil)\r\n.")).split(b"\r\n")
    assert len(lines) == 4
    assert all(line.startswith(b"\t") for line in lines[1:-1])
    assert lines[0].count(b"(") == lines[0].count(b")") == 1
    assert max(map(len, lines)) < 998


@pytest.mark.parametrize(
    ("values", "protocol"),
    [
        ({"esmtp": False}, "SMTP"),
        ({}, "ESMTP"),
        ({"authenticated": True}, "ESMTPA"),
        ({"tls": True}, "ESMTPS"),
        ({"tls": True, "authenticated": True}, "ESMTPSA"),
        ({"smtputf8": True}, "UTF8SMTP"),
        ({"smtputf8": True, "tls": True, "authenticated": True}, "UTF8SMTPSA"),
    ],
)
def test_with_protocol(values: dict[str, object], protocol: str) -> None:
    if "tls" in values:
        values = {**values, "tls": TraceTls("TLSv1.3", "x", 128)}
    assert with_protocol(hop(**values)) == protocol


def test_date_time_has_its_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    assert date_time(datetime.datetime(2026, 1, 31, 23, 59, 59, tzinfo=zone)) == "Sat, 31 Jan 2026 23:59:59 -0330"


def test_return_path() -> None:
    assert return_path(None) == b"Return-Path: <>\r\n"
    assert return_path(Address("a b", "example.org")) == b'Return-Path: <"a b"@example.org>\r\n'
    assert return_path(Address("аня", "example.org")) == "Return-Path: <аня@example.org>\r\n".encode()
