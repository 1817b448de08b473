"""Harmful exchanges of SASL, sent to a server with the default limits: tokens, keys of an issuer, and proofs."""

from __future__ import annotations

import base64
import imaplib
import json
import threading
from collections.abc import Iterator

import pytest

from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.parts import nats
from tests.parts.issuer import Issuer
from tests.parts.required import needs

KEYS = "/realm/keys"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as started:
        yield started


@pytest.fixture(scope="module")
def trusting(issuer: Issuer) -> Iterator[MailfoldServer]:
    """A server that trusts the issuer."""
    needs(nats)
    settings = {**issuer.settings, "access.login_delay": "0"}  # the refused clients of a test need not wait
    environment = {f"MAILFOLD_{name.replace('.', '_').upper()}": value for name, value in settings.items()}
    with MailfoldServer(settings=environment, in_haste=False) as running:
        yield running


@pytest.fixture(scope="module")
def ann(trusting: MailfoldServer) -> Person:
    person = trusting.people.person("ann")
    with trusting.imap(person), connection(trusting):
        until(lambda: "AUTH=SCRAM-SHA-256" in capabilities(trusting), "SCRAM to be offered")
    return person


def connection(server: MailfoldServer) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL("localhost", server.port(IMAPS), ssl_context=server.tls())


def capabilities(server: MailfoldServer) -> tuple[str, ...]:
    with connection(server) as client:
        return client.capabilities


def log_in(server: MailfoldServer, token: str, user: str) -> str:
    """What the server says to a token."""
    message = f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
    try:
        with connection(server) as client:
            return client.authenticate("XOAUTH2", lambda challenge: b"" if challenge else message)[0]
    except (imaplib.IMAP4.error, OSError) as error:
        return str(error)


def test_a_slow_issuer_holds_nobody_else_up(trusting: MailfoldServer, ann: Person, issuer: Issuer) -> None:
    issuer.seconds = 3.0
    answers: list[str] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(log_in(trusting, issuer.token(ann.address), ann.address)))
        for _ in range(10)
    ]
    for thread in waiting:
        thread.start()
    until(lambda: issuer.asked, "the issuer to be asked")
    with trusting.imap(ann) as imap:
        imap.select()
    assert answers == []
    for thread in waiting:
        thread.join(60)
    issuer.seconds = 0.0
    assert answers == ["OK"] * 10
    assert issuer.asked.count(KEYS) == 1


def test_unknown_keys_ask_the_issuer_at_most_once_a_minute(
    trusting: MailfoldServer, ann: Person, issuer: Issuer
) -> None:
    before = issuer.asked.count(KEYS)
    for number in range(20):
        assert log_in(trusting, issuer.token(f"user{number}@example.org", kid=f"k{number}"), "x@example.org") != "OK"
    assert issuer.asked.count(KEYS) - before <= 2  # a slow machine may take more than a minute
    assert log_in(trusting, issuer.token(ann.address), ann.address) == "OK"


def test_harmful_messages(trusting: MailfoldServer, ann: Person, issuer: Issuer) -> None:
    deep = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode()
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "x" * 5000}).encode()).decode()
    for token in (f"{deep}.e30.AAAA", f"{header}.e30.AAAA", "A" * 9_000, "A." * 4_000, issuer.token("a" * 4_000)):
        assert log_in(trusting, token, ann.address) != "OK"
    for message in (b"n,,n=" + b"x" * 8_000, b"n,," * 1_000, b"\0" * 5_000, b"n,,n=ann,r=" + b"r" * 5_000):
        client = connection(trusting)
        with pytest.raises((imaplib.IMAP4.error, OSError)):
            client.authenticate("SCRAM-SHA-256", lambda _, message=message: message)  # type: ignore[misc]
        client.shutdown()
    with trusting.imap(ann) as imap:
        imap.select()


def test_exchanges_that_are_not_finished_lock_nobody_out(trusting: MailfoldServer, ann: Person) -> None:
    first = base64.b64encode(f"n,,n={ann.address},r=nonce-of-a-client".encode())
    for _ in range(60):
        client = connection(trusting)
        client.send(b"a AUTHENTICATE SCRAM-SHA-256 " + first + b"\r\n")
        assert client.readline().startswith(b"+ ")
        client.send(b"*\r\n")
        assert b"cancelled" in client.readline()
        client.shutdown()
    with trusting.imap(ann) as imap:
        imap.select()
