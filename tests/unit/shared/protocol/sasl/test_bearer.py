"""OAUTHBEARER with the examples of RFC 7628, XOAUTH2 with the one of its documentation, and EXTERNAL."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from shared.protocol.sasl.bearer import TOKEN_LIMIT, OauthBearer, Xoauth2
from shared.protocol.sasl.exchange import MECHANISMS, start
from shared.protocol.sasl.external import External
from shared.protocol.sasl.outcome import BearerToken, CertificateShown, Challenge, SaslError, SaslFailure

MALFORMED = SaslError(SaslFailure.MALFORMED)
TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


def test_the_example_of_rfc_7628() -> None:
    initial = (
        b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52"
        b"YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )
    _, outcome = start("OAUTHBEARER", initial, MECHANISMS)
    assert isinstance(outcome, BearerToken)
    assert (outcome.token, outcome.authzid) == (TOKEN, "user@example.com")
    assert json.loads(outcome.failure)["status"] == "invalid_token"
    assert TOKEN not in repr(outcome)


def test_the_example_of_xoauth2() -> None:
    text = b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
    _, outcome = start("XOAUTH2", b64encode(text), MECHANISMS)
    assert isinstance(outcome, BearerToken)
    assert outcome.token.startswith("ya29.")
    assert outcome.authzid == "someuser@example.com"
    assert json.loads(outcome.failure) == {"status": "401", "schemes": "bearer"}


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2", "EXTERNAL"])
def test_without_an_initial_response_the_client_is_asked(mechanism: str) -> None:
    _, outcome = start(mechanism, None, MECHANISMS)
    assert outcome == Challenge(b"")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"n,,",
        b"n,,\x01\x01",
        b"n,,\x01auth=Bearer x",
        b"n,,\x01auth=Bearer x\x01",
        b"n,,x\x01auth=Bearer x\x01\x01",
        b"n,,\x01auth=Basic x\x01\x01",
        b"n,,\x01auth=Bearer \x01\x01",
        b"n,,\x01auth=Bearer a b\x01\x01",
        b"n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01",
        b"n,a=x=y,\x01auth=Bearer x\x01\x01",
        b"p=tls-unique,,\x01auth=Bearer x\x01\x01",
        b"n,a=\xff,\x01auth=Bearer x\x01\x01",
        b"n,,\x01auth=Bearer " + b"x" * (TOKEN_LIMIT + 1) + b"\x01\x01",
    ],
)
def test_malformed_messages_of_oauthbearer(response: bytes) -> None:
    assert OauthBearer().respond(response) == MALFORMED


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\x01\x01",
        b"user=a\x01auth=Bearer x",
        b"user=\x01auth=Bearer x\x01\x01",
        b"auth=Bearer x\x01\x01",
        b"user=a\xff\x01auth=Bearer x\x01\x01",
    ],
)
def test_malformed_messages_of_xoauth2(response: bytes) -> None:
    assert Xoauth2().respond(response) == MALFORMED


def test_an_escaped_name() -> None:
    outcome = OauthBearer().respond(b"y,a=a=2Cb=3D@example.org,\x01auth=bearer x\x01\x01")
    assert isinstance(outcome, BearerToken)
    assert outcome.authzid == "a,b=@example.org"


def test_external() -> None:
    assert External().respond(b"") == CertificateShown("")
    assert External().respond("añn@example.org".encode()) == CertificateShown("añn@example.org")
    assert External().respond(b"a\0b") == MALFORMED
    _, outcome = start("EXTERNAL", b"=", MECHANISMS)
    assert outcome == CertificateShown("")
