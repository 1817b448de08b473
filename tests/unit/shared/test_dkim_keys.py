"""New signing keys."""

from __future__ import annotations

import pytest

from shared.dkim_keys import new_private_key
from shared.protocol.dkim.key import parse_key
from shared.protocol.dkim.signature import KeyType
from shared.protocol.dkim.signing_key import load_signing_key, public_key_record


@pytest.mark.parametrize(("kind", "bits"), [("rsa", 2048), ("ed25519", 256)])
def test_a_new_key_signs_and_its_record_verifies(kind: KeyType, bits: int) -> None:
    key = load_signing_key("example.org", "mailfold-1", new_private_key(kind))
    public = parse_key(public_key_record(key))
    assert (key.key_type, public.key_type, public.bits) == (kind, kind, bits)
    assert public.verifies(key.sign(b"data"), b"data")
    assert not public.verifies(key.sign(b"data"), b"other")


def test_no_two_keys_are_the_same() -> None:
    assert new_private_key("ed25519") != new_private_key("ed25519")
