"""Keys, their selectors, and their records in zone files."""

from __future__ import annotations

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.protocol.dkim.key import parse_key
from shared.protocol.dkim.signing_key import (
    SigningKey,
    load_signing_key,
    public_key_record,
    record_strings,
    selector_of,
    zone_text,
)
from tests.unit.shared.protocol.dkim.messages import ed25519_key, rsa_key


def test_keys_are_loaded_from_pem() -> None:
    for key, form in ((rsa_key(), PrivateFormat.TraditionalOpenSSL), (ed25519_key(), PrivateFormat.PKCS8)):
        pem = key.private.private_bytes(Encoding.PEM, form, NoEncryption())
        assert load_signing_key(key.domain, key.selector, pem).algorithm == key.algorithm
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="neither"):
        load_signing_key("example.org", "s", other)
    with pytest.raises(ValueError, match="PEM"):
        load_signing_key("example.org", "s", b"no key")


def test_a_selector_belongs_to_one_key() -> None:
    assert selector_of("c01J8ZQ4YPABCDEFGHJKM") == "mailfold-c01j8zq4ypabcdefghjkm"
    assert len(selector_of("a" * 54)) == 63


@pytest.mark.parametrize("key_id", ["", "a" * 55, "-a", "a-", "a.b", "a b", "ä", "a\n"])
def test_an_id_that_is_no_label_is_refused(key_id: str) -> None:
    with pytest.raises(ValueError, match="the id of a key"):
        selector_of(key_id)


@pytest.mark.parametrize("key", [rsa_key(), ed25519_key()], ids=["rsa", "ed25519"])
def test_a_record_is_split_for_zone_files(key: SigningKey) -> None:
    record = public_key_record(key)
    strings = record_strings(record)
    assert "".join(strings) == record
    assert [len(string) <= 255 for string in strings] == [True] * len(strings)
    assert len(strings) == (2 if key.key_type == "rsa" else 1)
    read = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, zone_text(record))
    assert b"".join(read.strings).decode() == record
    assert parse_key(record).key_type == key.key_type


def test_quotes_in_a_record_are_escaped() -> None:
    read = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, zone_text('n=a "quoted" \\ note;'))
    assert read.strings == (b'n=a "quoted" \\ note;',)
    assert record_strings("") == ("",)


def test_the_place_of_a_record() -> None:
    assert rsa_key().record_name == "r._domainkey.example.org"
