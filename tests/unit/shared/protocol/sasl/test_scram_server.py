"""SCRAM-SHA-256 on the server's side: the example of RFC 7677, our own client, and clients that cheat."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.mechanism import ClientAuthError
from shared.protocol.sasl.client.scram import ScramClient
from shared.protocol.sasl.outcome import Challenge, SaslError, SaslFailure
from shared.protocol.sasl.scram import ProofGiven, ProvenName, SaltNeeded, ScramOutcome, ScramServer
from shared.protocol.sasl.scram_verifier import ScramKeys, salt_of_nobody, scram_keys

NONCE = "fyko+d2lbbFgONRv9qkxdawL"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
MALFORMED = SaslError(SaslFailure.MALFORMED)
SALT = b"salt of 16 octet"
KEYS = scram_keys("pencil", SALT, 4096)


def checked(server: ScramServer, outcome: ScramOutcome, keys: ScramKeys) -> ScramOutcome | None:
    """What the server says to a proof, once these keys were tried; None when it does not fit."""
    assert isinstance(outcome, ProofGiven)
    signature = keys.signature(outcome.text, outcome.proof)
    return None if signature is None else server.accept(signature)


def credentials(name: str, password: str, authzid: str = "") -> ClientCredentials:
    return ClientCredentials(name=name, password=password, authzid=authzid, scram_nonce=NONCE)


def test_the_example_of_rfc_7677() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    server = ScramServer()
    assert server.respond(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == SaltNeeded("user", "")
    first = server.supply(salt, 4096, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert first == Challenge(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    final = server.respond(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert checked(server, final, scram_keys("pencil", salt, 4096)) == Challenge(
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )
    assert server.respond(b"") == ProvenName("user", "")


@pytest.mark.parametrize(
    ("name", "authzid"), [("ann", ""), ("a,n=n", "desk@example.org"), ("añn@exämple.org", "b,c=d")]
)
def test_our_client_and_our_server(name: str, authzid: str) -> None:
    client, server = ScramClient(credentials(name, "pencil", authzid)), ScramServer()
    assert server.begin() == Challenge(b"")
    assert server.respond(client.begin() or b"") == SaltNeeded(name, authzid)
    proof = server.respond(client.respond(server.supply(SALT, 4096, SERVER_NONCE).data))
    final = checked(server, proof, KEYS)
    assert isinstance(final, Challenge)
    assert server.respond(client.respond(final.data)) == ProvenName(name, authzid)
    assert client.is_complete


def test_the_proof_of_a_wrong_password_fits_no_keys() -> None:
    client, server = ScramClient(credentials("ann", "wrong")), ScramServer()
    server.respond(client.begin() or b"")
    proof = server.respond(client.respond(server.supply(SALT, 4096, SERVER_NONCE).data))
    assert checked(server, proof, KEYS) is None
    assert server.respond(b"") == MALFORMED


def test_the_proof_is_tried_against_several_keys_of_one_salt() -> None:
    client, server = ScramClient(credentials("ann", "second")), ScramServer()
    server.respond(client.begin() or b"")
    proof = server.respond(client.respond(server.supply(SALT, 4096, SERVER_NONCE).data))
    assert checked(server, proof, KEYS) is None
    assert isinstance(checked(server, proof, scram_keys("second", SALT, 4096)), Challenge)


def test_an_unknown_name_has_the_same_salt_each_time() -> None:
    secret = b"secret of the server"
    assert salt_of_nobody("ann", secret) == salt_of_nobody("ann", secret) != salt_of_nobody("bob", secret)
    assert salt_of_nobody("ann", secret) != salt_of_nobody("ann", b"another")
    assert len(salt_of_nobody("ann", secret)) == len(SALT)


def test_a_server_without_the_verifier_is_noticed_by_the_client() -> None:
    client, server = ScramClient(credentials("ann", "pencil")), ScramServer()
    server.respond(client.begin() or b"")
    client.respond(server.supply(SALT, 4096, SERVER_NONCE).data)
    with pytest.raises(ClientAuthError):
        client.respond(b"v=" + base64.b64encode(b"x" * 32))


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"n,,n=,r=12345678",
        b"n,,n=a=b,r=12345678",
        b"n,,n=ann,r=short",
        b"n,,n=ann,r=with space",
        b"n,,m=ext,n=ann,r=12345678",
        b"p=tls-exporter,,n=ann,r=12345678",
        b"n,n=ann,r=12345678",
        b"n,,n=\xff,r=12345678",
        b"n,,n=a\x01,r=12345678",
    ],
)
def test_malformed_first_messages(first: bytes) -> None:
    assert ScramServer().respond(first) == MALFORMED


@pytest.mark.parametrize(
    "final",
    [
        b"",
        b"c=biws,r=%b" % NONCE.encode(),
        b"c=eSws,r=NONCE,p=AAAA",
        b"c=biws,r=other,p=AAAA",
        b"c=biws,r=NONCE,p=A",
        b"c=*,r=NONCE,p=AAAA",
    ],
)
def test_malformed_final_messages(final: bytes) -> None:
    server = ScramServer()
    server.respond(b"n,,n=ann,r=%b" % NONCE.encode())
    server.supply(SALT, 4096, SERVER_NONCE)
    assert server.respond(final.replace(b"NONCE", (NONCE + SERVER_NONCE).encode())) == MALFORMED


def test_a_short_proof_is_a_wrong_one() -> None:
    server = ScramServer()
    server.respond(b"n,,n=ann,r=%b" % NONCE.encode())
    server.supply(SALT, 4096, SERVER_NONCE)
    given = server.respond(b"c=biws,r=%b%b,p=AAAA" % (NONCE.encode(), SERVER_NONCE.encode()))
    assert checked(server, given, KEYS) is None


def test_secrets_are_not_shown() -> None:
    assert repr(KEYS) == "ScramKeys(***)"


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_no_message_raises(messages: list[bytes]) -> None:
    server = ScramServer()
    for message in messages:
        if isinstance(server.respond(message), SaltNeeded):
            server.supply(SALT, 4096, SERVER_NONCE)


def test_a_proof_is_never_shown() -> None:
    """Together with the AuthMessage it would let a reader of a log try passwords."""
    shown = repr(ProofGiven("ann", "", b"n=ann,r=nonce", b"the proof"))
    assert "ann" in shown
    assert "the proof" not in shown
    assert "nonce" not in shown
