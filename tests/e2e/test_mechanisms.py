"""Log-ins without a password on the wire, on a whole server: submission with SCRAM, tokens and certificates."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.scram import ScramClient
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS, SUBMISSION, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.interop.program import run
from tests.parts import authority, nats
from tests.parts.clients import CURL, GSASL, SWAKS
from tests.parts.issuer import Issuer
from tests.parts.required import needs

Answers = Callable[..., str]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as started:
        yield started


@pytest.fixture(scope="module")
def clients() -> authority.Issued:
    """The authority of clients."""
    return authority.root("Clients")


@pytest.fixture(scope="module")
def secure(
    issuer: Issuer, clients: authority.Issued, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MailfoldServer]:
    """A server that trusts an issuer of tokens and an authority of clients."""
    needs(nats)
    file = clients.write(tmp_path_factory.mktemp("clients") / "clients.pem")
    settings = {**issuer.settings, "server.client_authorities": str(file)}
    environment = {f"MAILFOLD_{name.replace('.', '_').upper()}": value for name, value in settings.items()}
    with MailfoldServer(settings=environment) as running:
        yield running


@pytest.fixture(scope="module")
def ann(secure: MailfoldServer) -> Person:
    """A user with whom SCRAM is offered everywhere."""
    person = secure.people.person("ann")

    def is_offered() -> bool:
        with smtplib.SMTP_SSL("localhost", secure.port(SUBMISSIONS), context=secure.tls()) as smtp:
            smtp.ehlo()
            return "SCRAM-SHA-256" in smtp.esmtp_features["auth"]

    with secure.imap(person):  # a password that came with an import has keys after it was used
        until(is_offered, "SCRAM to be offered by submission")
    return person


def mechanisms(server: MailfoldServer, context: ssl.SSLContext | None = None) -> list[str]:
    with smtplib.SMTP_SSL("localhost", server.port(SUBMISSIONS), context=context or server.tls()) as smtp:
        smtp.ehlo()
        return smtp.esmtp_features["auth"].split()


def scram(person: Person, password: str = "") -> Answers:
    """Answers challenges as a client of SCRAM."""
    secret = password or person.password
    client = ScramClient(ClientCredentials(name=person.address, password=secret, scram_nonce="nonce-of-a-client"))

    def answer(challenge: bytes | None = None) -> str:
        return (client.respond(challenge) if challenge else client.begin() or b"").decode()

    return answer


def test_submission_with_scram(secure: MailfoldServer, ann: Person) -> None:
    assert {"PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"} <= set(mechanisms(secure))
    assert "EXTERNAL" not in mechanisms(secure)
    sent = compose(ann.address, ann.address)
    with smtplib.SMTP("localhost", secure.port(SUBMISSION)) as smtp:
        smtp.starttls(context=secure.tls())
        smtp.ehlo()
        assert smtp.auth("SCRAM-SHA-256", scram(ann))[0] == 235
        smtp.sendmail(ann.address, [ann.address], sent.data)
    with smtplib.SMTP_SSL("localhost", secure.port(SUBMISSIONS), context=secure.tls()) as smtp:
        smtp.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.auth("SCRAM-SHA-256", scram(ann, "wrong"), initial_response_ok=False)
    with secure.imap(ann) as imap:
        imap.wait_for(sent.message_id)


def test_an_app_password_with_its_label(secure: MailfoldServer, ann: Person) -> None:
    made = secure.command.json("app-password", "add", ann.user, "--name", "Laptop", "--scope", "smtp")
    laptop = Person(ann.user, f"{ann.address}#Laptop", ann.account, made["password"])
    with smtplib.SMTP_SSL("localhost", secure.port(SUBMISSIONS), context=secure.tls()) as smtp:
        smtp.ehlo()
        assert smtp.auth("SCRAM-SHA-256", scram(laptop))[0] == 235
    with imaplib.IMAP4_SSL("localhost", secure.port(IMAPS), ssl_context=secure.tls()) as imap:
        answers = scram(laptop)
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap.authenticate("SCRAM-SHA-256", lambda challenge: answers(challenge).encode())


def test_submission_with_tokens(secure: MailfoldServer, ann: Person, issuer: Issuer, tmp_path: Path) -> None:
    needs(CURL)
    for option in ("AUTH=OAUTHBEARER", "AUTH=XOAUTH2"):
        sent = compose(ann.address, ann.address)
        file = tmp_path / "message.eml"
        file.write_bytes(sent.data)
        words = ("--silent", "--show-error", "--cacert", secure.authority, "--ssl-reqd", "--upload-file", file)
        envelope = ("--mail-from", ann.address, "--mail-rcpt", ann.address, "--login-options", option)
        who = ("--user", f"{ann.address}:", "--oauth2-bearer")
        url = f"smtp://localhost:{secure.port(SUBMISSION)}"
        run(CURL, *words, *envelope, *who, issuer.token(ann.address), url)
        run(CURL, *words, *envelope, *who, issuer.token(ann.address, aud="calendar"), url, ok=(67,))
        with secure.imap(ann) as imap:
            imap.wait_for(sent.message_id)


def test_submission_with_a_certificate(
    secure: MailfoldServer, ann: Person, clients: authority.Issued, tmp_path: Path
) -> None:
    context = secure.tls()
    context.load_cert_chain(authority.client(clients, ann.address).write(tmp_path / "client.pem"))
    assert "EXTERNAL" in mechanisms(secure, context)
    sent = compose(ann.address, ann.address)
    with smtplib.SMTP("localhost", secure.port(SUBMISSION)) as smtp:
        smtp.ehlo()
        smtp.starttls(context=context)
        smtp.ehlo()
        assert smtp.docmd("AUTH", "EXTERNAL =")[0] == 235
        smtp.sendmail(ann.address, [ann.address], sent.data)
    with secure.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    bob = secure.people.person("bob")
    with smtplib.SMTP_SSL("localhost", secure.port(SUBMISSIONS), context=context) as smtp:
        smtp.ehlo()
        assert smtp.docmd("AUTH", f"EXTERNAL {smtplib.encode_base64(bob.address.encode(), eol='')}")[0] == 535


def test_independent_clients_submit(
    secure: MailfoldServer, ann: Person, clients: authority.Issued, tmp_path: Path
) -> None:
    needs(GSASL)
    needs(SWAKS)
    port, trust = secure.port(SUBMISSION), str(secure.authority)
    gsasl = ("--smtp", "--connect", f"localhost:{port}", "--x509-ca-file", trust, "--no-cb")
    password = ("--authentication-id", ann.address, "--password", ann.password)
    assert "235" in run(GSASL, *gsasl, "--mechanism", "SCRAM-SHA-256", *password)
    key = str(authority.client(clients, ann.address).write(tmp_path / "client.pem"))
    shown = ("--x509-cert-file", key, "--x509-key-file", key, "--authorization-id", ann.address)
    assert "235" in run(GSASL, *gsasl, "--mechanism", "EXTERNAL", *shown)
    swaks = ("--server", f"localhost:{port}", "--tls", "--quit-after", "AUTH", "--auth", "PLAIN")
    assert "235" in run(SWAKS, *swaks, "--auth-user", ann.address, "--auth-password", ann.password)
