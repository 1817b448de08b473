"""What we sign, dkimpy verifies."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.protocol.dkim.sign import SigningKey, hash_body, load_signing_key, sign
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


def test_keys_are_loaded_from_pem() -> None:
    for key, form in ((rsa_key(), PrivateFormat.TraditionalOpenSSL), (ed25519_key(), PrivateFormat.PKCS8)):
        pem = key.private.private_bytes(Encoding.PEM, form, NoEncryption())
        assert load_signing_key(key.domain, key.selector, pem).algorithm == key.algorithm
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="neither"):
        load_signing_key("example.org", "s", other)
    with pytest.raises(ValueError, match="PEM"):
        load_signing_key("example.org", "s", b"no key")
