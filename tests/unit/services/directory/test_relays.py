"""What an operator gives for a relay is checked, and completed by the preset."""

from __future__ import annotations

from typing import Any

import pytest

from services.directory.domain.relays import (
    PASSWORD_LIMIT,
    RelayState,
    RequestedRelay,
    password_octets,
    present_password,
    properties_of,
    with_preset,
)
from services.directory.domain.state import DirectoryRefused
from shared.events.sending import RelaySet
from shared.routing.relay_presets import PRESETS, RelayProperties


def refusal(preset: str = "smarthost", **given: Any) -> str:
    with pytest.raises(DirectoryRefused) as refused:
        with_preset("d1", RequestedRelay(preset, **given))
    text = str(refused.value)
    assert refused.value.reason == "invalid" and text.isprintable() and len(text) < 400
    return text


@pytest.mark.parametrize(
    ("given", "host", "port", "tls"),
    [
        ({"preset": "ses", "region": "eu-west-1"}, "email-smtp.eu-west-1.amazonaws.com", 587, "starttls"),
        ({"preset": "ses", "host": "vpce.example.com"}, "vpce.example.com", 587, "starttls"),
        ({"preset": "mailgun"}, "smtp.mailgun.org", 587, "starttls"),
        ({"preset": "mailgun", "region": "eu"}, "smtp.eu.mailgun.org", 587, "starttls"),
        ({"preset": "sendgrid", "tls": "implicit"}, "smtp.sendgrid.net", 465, "implicit"),
        ({"preset": "sendgrid", "tls": "implicit", "port": 2465}, "smtp.sendgrid.net", 2465, "implicit"),
        ({"preset": "smarthost", "host": "Mail.EXAMPLE.org", "port": 25}, "mail.example.org", 25, "starttls"),
        ({"preset": "smarthost", "host": "10.0.0.5"}, "10.0.0.5", 587, "starttls"),
        ({"preset": "smarthost", "host": "FD00::0001"}, "fd00::1", 587, "starttls"),
        ({"preset": "smarthost", "host": "münchen.example"}, "xn--mnchen-3ya.example", 587, "starttls"),
        ({"preset": "smarthost", "host": "relay"}, "relay", 587, "starttls"),
    ],
)
def test_host_port_and_tls(given: dict[str, Any], host: str, port: int, tls: str) -> None:
    relay = with_preset("d1", RequestedRelay(**given, user="me"))
    assert (relay.host, relay.port, relay.tls, relay.user, relay.password) == (host, port, tls, "me", "")


def test_clear_text_is_only_without_log_in() -> None:
    assert with_preset("", RequestedRelay("smarthost", host="relay", tls="none")).port == 25
    assert "never goes over" in refusal(host="relay", tls="none", user="me")
    assert "needs a user name" in refusal("sendgrid")
    assert with_preset("", RequestedRelay("google-relay")).user == ""


@pytest.mark.parametrize(
    "host",
    [
        "a\r\nRCPT TO:<x@y>",
        "smtp.example\n",
        "smtp.example\x00",
        "a" * 300,
        ".".join(["a"] * 200),
        "smtp example",
        "[10.0.0.5]",
        "fe80::1%eth0",
        "user@host",
        "smtp.example:25",
        "http://smtp.example",
        "-",
        "1.2.3",
        "é" * 300,
    ],
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert "host" in refusal(host=host) or "IP address" in refusal(host=host)


@pytest.mark.parametrize("region", ["eu.evil.example/", "EU", "a\r\nb", "x" * 33, "-a", "a.b", "{region}"])
def test_a_region_is_one_label(region: str) -> None:
    assert "is not a region" in refusal("ses", region=region, user="me")


@pytest.mark.parametrize(
    "given",
    [
        {"preset": "nosuch\r\n" + "x" * 500},
        {"preset": "smarthost"},
        {"preset": "ses", "user": "me"},
        {"preset": "postmark", "region": "eu", "user": "me"},
        {"preset": "direct", "host": "smtp.example"},
        {"preset": "direct", "connections": 3},
        {"host": "a", "tls": "ssl\r\n"},
        {"host": "a", "signatures": "ed25519"},
        {"host": "a", "port": 65536},
        {"host": "a", "port": -1},
        {"host": "a", "connections": 1001},
        {"host": "a", "messages_per_minute": 2**31},
        {"host": "a", "recipients_per_message": 50_001},
        {"host": "a", "user": "me\r\nRCPT"},
        {"host": "a", "user": "m" * 321},
        {"host": "a", "user": "me\x9b2J"},
        {"host": "a", "user": "me\u202e"},
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    refusal(**given)


def test_direct_has_nothing() -> None:
    assert with_preset("d1", RequestedRelay("direct")) == RelaySet("d1", "direct", "", 0, "none")


@pytest.mark.parametrize("text", ["", "a\r\nb", "a\x00", "x" * (PASSWORD_LIMIT + 1), "é" * PASSWORD_LIMIT, "\x7f"])
def test_a_password_that_cannot_be_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(DirectoryRefused) as refused:
        password_octets(text)
    assert not text or text not in str(refused.value)


def test_a_password_stays_with_its_host_and_user() -> None:
    present = RelayState("d1", "example.org", "smarthost", "a", 25, "starttls", "me", "sealed", RelayProperties())
    wish = RelaySet("d1", "smarthost", "a", 587, "implicit", "me")
    assert present_password(wish, present) == "sealed"
    assert present_password(RelaySet("d1", "smarthost", "b", 587, "none"), present) == ""
    for other, known in (
        (RelaySet("d1", "smarthost", "b", 587, "starttls", "me"), present),
        (RelaySet("d1", "smarthost", "a", 587, "starttls", "you"), present),
        (wish, None),
    ):
        with pytest.raises(DirectoryRefused, match="wants a password"):
            present_password(other, known)
    assert "sealed" not in repr(present)


def test_properties_given_count_more_than_those_of_the_preset() -> None:
    given = RelaySet("", "ses", "a", 587, "starttls", "me", "", "none", 1, 2, 3, True)
    properties = properties_of(given)
    assert (properties.signatures, properties.connections, properties.messages_per_minute) == ("none", 1, 2)
    assert (properties.recipients_per_message, properties.accepts_null_reverse_path) == (3, True)
    assert properties.unsigned_fields == PRESETS["ses"].properties.unsigned_fields
    assert properties_of(RelaySet("", "ses", "a", 587, "starttls")) == PRESETS["ses"].properties


def test_a_preset_of_another_release_counts_as_a_smarthost() -> None:
    assert properties_of(RelaySet("", "later", "a", 587, "starttls")) == PRESETS["smarthost"].properties
