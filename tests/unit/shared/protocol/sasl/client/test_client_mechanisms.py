"""The client's side of the mechanisms, against RFC examples, our server's side, and servers that lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest

from shared.protocol.sasl.client.choice import make_mechanism, usable_mechanisms
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.mechanism import ClientAuthError, ClientMechanism
from shared.protocol.sasl.client.plain import LoginClient, PlainClient, Xoauth2Client
from shared.protocol.sasl.client.scram import MOST_ITERATIONS, ScramClient
from shared.protocol.sasl.login import LoginMechanism
from shared.protocol.sasl.outcome import Credentials
from shared.protocol.sasl.plain import Plain

ANN = ClientCredentials(name="ann", password="secret", scram_nonce="rOprNGfwEbeRWgbNEkqO")
USER = ClientCredentials(name="user", password="pencil", scram_nonce="rOprNGfwEbeRWgbNEkqO")
ALL = ("LOGIN", "PLAIN", "SCRAM-SHA-256", "XOAUTH2", "CRAM-MD5")
# RFC 7677 §3
NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FIRST = f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()
FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_plain_and_login_are_read_by_our_server() -> None:
    initial = PlainClient(ClientCredentials(name="ann", password="se\u00a0cret", authzid="bob")).begin()
    assert initial is not None
    assert Plain().respond(initial) == Credentials("ann", "bob", "se cret")
    server, client = LoginMechanism(), LoginClient(ANN)
    assert client.begin() is None
    server.respond(client.respond(b"Username:"))
    assert not client.is_complete
    assert server.respond(client.respond(None)) == Credentials("ann", "", "secret")
    assert client.is_complete
    with pytest.raises(ClientAuthError):
        client.respond(b"More:")


def test_plain_has_no_challenge() -> None:
    client = PlainClient(ANN)
    client.begin()
    with pytest.raises(ClientAuthError):
        client.respond(b"")


def test_xoauth2_answers_an_error_once() -> None:
    client = Xoauth2Client(ClientCredentials(name="ann@example.org", token="ya29"))
    assert client.begin() == b"user=ann@example.org\x01auth=Bearer ya29\x01\x01"
    assert client.is_complete
    assert client.respond(b'{"status":"401"}') == b""
    assert not client.is_complete
    with pytest.raises(ClientAuthError):
        client.respond(b"{}")


def test_scram_as_in_the_rfc() -> None:
    client = ScramClient(USER)
    assert client.begin() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert client.respond(FIRST) == f"c=biws,r={NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".encode()
    assert not client.is_complete
    assert client.respond(FINAL) == b""
    assert client.is_complete
    with pytest.raises(ClientAuthError):
        client.respond(FINAL)


def test_scram_escapes_names() -> None:
    client = ScramClient(ClientCredentials(name="a=b,c", password="x", authzid="d,e", scram_nonce="12345678"))
    assert client.begin() == b"n,a=d=2Ce,n=a=3Db=2Cc,r=12345678"


@pytest.mark.parametrize(
    "challenge",
    [
        None,
        b"",
        b"r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095".encode(),
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i={MOST_ITERATIONS + 1}".encode(),
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=04096".encode(),
        f"r={NONCE},s===,i=4096".encode(),
        f"m=x,r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode(),
        FIRST + b",x=" + b"y" * 4096,
    ],
    ids=lambda challenge: str(challenge)[:60],
)
def test_scram_refuses_a_first_message(challenge: bytes | None) -> None:
    client = ScramClient(USER)
    client.begin()
    with pytest.raises(ClientAuthError):
        client.respond(challenge)
    assert not client.is_complete


@pytest.mark.parametrize(
    "challenge", [None, b"", b"e=invalid-proof", b"v=AAAA", b"v=====", FINAL.lower(), FINAL + b"="]
)
def test_scram_refuses_a_server_that_does_not_know_the_password(challenge: bytes | None) -> None:
    client = ScramClient(USER)
    client.begin()
    client.respond(FIRST)
    with pytest.raises(ClientAuthError):
        client.respond(challenge)
    assert not client.is_complete


def test_a_proof_is_read_as_rfc_5802_defines_it() -> None:
    """With a name that must be escaped, and a password beyond ASCII."""
    client = ScramClient(ClientCredentials(name="jürgen,x", password="päss", scram_nonce="12345678"))
    first = client.begin()
    assert first is not None
    server_first = b"r=12345678abc,s=c2FsdA==,i=4096"
    final, _, proof = client.respond(server_first).rpartition(b",p=")
    salted = hashlib.pbkdf2_hmac("sha256", "päss".encode(), b"salt", 4096)
    text = b",".join([first.removeprefix(b"n,,"), server_first, final])
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    signature = hmac.digest(stored, text, "sha256")
    key = bytes([a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True)])
    assert hashlib.sha256(key).digest() == stored


def test_the_choice_is_made_from_what_is_offered_and_fits() -> None:
    assert usable_mechanisms(ANN, ALL) == ("SCRAM-SHA-256", "PLAIN", "LOGIN")
    assert usable_mechanisms(ANN, ("CRAM-MD5",)) == ()
    assert usable_mechanisms(ClientCredentials(name="ann", password="x"), ALL) == ("PLAIN", "LOGIN")
    assert usable_mechanisms(ClientCredentials(name="ann", token="x"), ALL) == ("XOAUTH2",)
    assert usable_mechanisms(ClientCredentials(name="ann", password="x", authzid="bob"), ALL) == ("PLAIN",)
    assert usable_mechanisms(ClientCredentials(name="a", password="x", mechanisms=("login", "X")), ALL) == ("LOGIN",)
    assert isinstance(make_mechanism("LOGIN", ANN), LoginClient)


def test_secrets_are_not_shown() -> None:
    assert repr(ClientCredentials(name="ann", password="geheim", token="ya29")) == (
        "ClientCredentials(name='ann', secrets=***)"
    )


def test_a_nonce_must_be_given() -> None:
    for nonce in ("", "short", "with,comma", "with blank 12345"):
        with pytest.raises(ClientAuthError):
            ScramClient(ClientCredentials(name="ann", password="x", scram_nonce=nonce)).begin()


@pytest.mark.parametrize("mechanism", [PlainClient, Xoauth2Client, ScramClient])
def test_a_control_character_is_not_sent(mechanism: Callable[[ClientCredentials], ClientMechanism]) -> None:
    """NUL divides the message of PLAIN, and 0x01 that of XOAUTH2."""
    for name in ("ann\0root", "ann\x01auth=x", "ann\r\n"):
        with pytest.raises(ClientAuthError):
            mechanism(ClientCredentials(name=name, password="x", token="t", scram_nonce="12345678")).begin()
    with pytest.raises(ClientAuthError):
        LoginClient(ClientCredentials(name="ann\n", password="x")).respond(b"")
