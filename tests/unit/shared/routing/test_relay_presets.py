"""Presets of relays are complete and safe."""

from __future__ import annotations

from typing import get_args

import pytest

from shared.protocol.address.domain import parse_domain
from shared.routing.relay_presets import DIRECT, PRESETS, RelayPreset, RelayTls, Signatures

RELAYS = [preset for preset in PRESETS.values() if preset.name != DIRECT]


def test_every_promised_relay_is_there() -> None:
    assert list(PRESETS) == [
        "direct",
        "ses",
        "sendgrid",
        "postmark",
        "mailgun",
        "sparkpost",
        "google-relay",
        "gmail",
        "office365",
        "smarthost",
    ]


@pytest.mark.parametrize("preset", RELAYS, ids=lambda preset: preset.name)
def test_no_preset_sends_a_password_in_clear_text(preset: RelayPreset) -> None:
    assert preset.tls in ("starttls", "implicit") and preset.tls in get_args(RelayTls)
    assert (preset.tls == "implicit") == (preset.port == 465)
    assert preset.properties.mechanisms and preset.log_in in ("required", "optional")


@pytest.mark.parametrize("preset", RELAYS, ids=lambda preset: preset.name)
def test_hosts_are_names_and_regions_have_a_place(preset: RelayPreset) -> None:
    if preset.host:
        assert parse_domain(preset.host) == preset.host
    if preset.regional_host:
        assert parse_domain(preset.regional_host.replace("{region}", "eu")).count(".eu.") == 1
    assert preset.host or preset.regional_host or preset.name == "smarthost"


@pytest.mark.parametrize("preset", RELAYS, ids=lambda preset: preset.name)
def test_properties_are_usable(preset: RelayPreset) -> None:
    properties = preset.properties
    assert properties.signatures in get_args(Signatures)
    assert properties.connections > 0 and properties.recipients_per_message > 0 <= properties.messages_per_minute
    assert all(name == name.lower() for name in properties.unsigned_fields)


def test_ses_takes_one_signature_without_what_it_writes_anew() -> None:
    properties = PRESETS["ses"].properties
    assert properties.signatures == "rsa"
    assert set(properties.unsigned_fields) == {"message-id", "date", "return-path"}
    assert not properties.accepts_null_reverse_path
