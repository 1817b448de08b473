"""Mechanisms as exchanges of base64 lines."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.sasl.exchange import MECHANISMS, start
from shared.protocol.sasl.mechanism import prepare_password
from shared.protocol.sasl.outcome import (
    BearerToken,
    CertificateShown,
    Challenge,
    Credentials,
    SaslError,
    SaslFailure,
)
from shared.protocol.sasl.scram import SaltNeeded


def plain(*parts: str) -> bytes:
    return b64encode("\0".join(parts).encode())


def test_plain_with_initial_response() -> None:
    _, outcome = start("plain", plain("", "ann@example.org", "secret"))
    assert outcome == Credentials("ann@example.org", "", "secret")


def test_plain_without_initial_response() -> None:
    exchange, outcome = start("PLAIN", None)
    assert isinstance(outcome, Challenge)
    assert outcome.encode() == b""
    assert exchange.step(plain("boss", "ann", "pass word")) == Credentials("ann", "boss", "pass word")


def test_login() -> None:
    exchange, outcome = start("LOGIN", None)
    assert isinstance(outcome, Challenge)
    assert outcome.encode() == b64encode(b"Username:")
    outcome = exchange.step(b64encode(b"ann"))
    assert isinstance(outcome, Challenge)
    assert outcome.encode() == b64encode(b"Password:")
    assert exchange.step(b64encode(b"secret")) == Credentials("ann", "", "secret")


def test_login_with_initial_response() -> None:
    exchange, outcome = start("LOGIN", b64encode(b"ann"))
    assert outcome == Challenge(b"Password:")
    assert exchange.step(b64encode("пароль".encode())) == Credentials("ann", "", "пароль")


@pytest.mark.parametrize(
    ("mechanism", "initial", "failure"),
    [
        ("CRAM-MD5", None, SaslFailure.UNKNOWN_MECHANISM),
        ("", b"", SaslFailure.UNKNOWN_MECHANISM),
        ("SCRAM-SHA-256", None, SaslFailure.UNKNOWN_MECHANISM),  # it is not offered here
        ("EXTERNAL", b"=", SaslFailure.UNKNOWN_MECHANISM),
        ("PLAIN", b"*", SaslFailure.CANCELLED),
        ("PLAIN", b"=", SaslFailure.MALFORMED),
        ("PLAIN", b"A" * 12289, SaslFailure.TOO_LONG),
        ("PLAIN", b"AGFubgBzZWNyZXQ", SaslFailure.BAD_BASE64),  # without padding
        ("PLAIN", b"AGFu bgBzZWNyZXQ=", SaslFailure.BAD_BASE64),
        ("PLAIN", b"AGFubgBzZWNyZXQ=\n", SaslFailure.BAD_BASE64),
        ("PLAIN", b"AGFubgBzZWNyZXQ==", SaslFailure.BAD_BASE64),
        ("PLAIN", b"AGFubgBzZWNyZXQ=AGFu", SaslFailure.BAD_BASE64),
        ("PLAIN", "Ä".encode(), SaslFailure.BAD_BASE64),
        ("PLAIN", plain("ann", "secret"), SaslFailure.MALFORMED),
        ("PLAIN", plain("", "ann", "secret", "more"), SaslFailure.MALFORMED),
        ("PLAIN", plain("", "", "secret"), SaslFailure.MALFORMED),
        ("PLAIN", plain("", "ann", ""), SaslFailure.MALFORMED),
        ("PLAIN", plain("", "an\nn", "secret"), SaslFailure.MALFORMED),
        ("PLAIN", plain("", "ann", "x" * 1025), SaslFailure.MALFORMED),
        ("PLAIN", b64encode(b"\0ann\0\xff\xfe"), SaslFailure.MALFORMED),
        ("LOGIN", b"=", SaslFailure.MALFORMED),
    ],
)
def test_failures(mechanism: str, initial: bytes | None, failure: SaslFailure) -> None:
    _, outcome = start(mechanism, initial)
    assert outcome == SaslError(failure)


def test_nothing_comes_after_the_end() -> None:
    exchange, _ = start("PLAIN", plain("", "ann", "wrong"))
    assert exchange.step(plain("", "ann", "secret")) == SaslError(SaslFailure.MALFORMED)
    exchange, _ = start("LOGIN", b"*")
    assert exchange.step(b64encode(b"ann")) == SaslError(SaslFailure.MALFORMED)


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Credentials("ann", "", "secret"))


def test_passwords_are_equal_in_any_normalisation_form() -> None:
    assert prepare_password("e\u0301\u00a0x") == prepare_password("\u00e9 x") == "\u00e9 x"


@given(
    st.sampled_from(sorted(MECHANISMS)),
    st.none() | st.binary(max_size=60),
    st.lists(st.binary(max_size=60), max_size=4),
)
def test_any_bytes_give_an_outcome(mechanism: str, initial: bytes | None, lines: list[bytes]) -> None:
    exchange, outcome = start(mechanism, initial, MECHANISMS)
    for line in lines:
        outcome = exchange.step(line)
    assert isinstance(outcome, Challenge | Credentials | SaslError | BearerToken | CertificateShown | SaltNeeded)
