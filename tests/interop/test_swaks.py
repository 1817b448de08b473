"""swaks, an SMTP test tool: port 25, 587 with STARTTLS, 465, and refusals."""

from __future__ import annotations

import subprocess

import pytest

from tests.harness.people import Person
from tests.harness.ports import SMTP, SUBMISSION, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.interop.program import run
from tests.parts.clients import SWAKS
from tests.parts.required import needs


class SwaksTls:
    """TLS for swaks, which needs a Perl module."""

    @staticmethod
    def reason_missing() -> str | None:
        """The reason why the module is missing; None when Perl has it."""
        result = subprocess.run(["perl", "-MNet::SSLeay", "-e1"], capture_output=True).returncode == 0
        return None if result else "swaks without TLS (make parts, or apt install libnet-ssleay-perl)"


needs(SWAKS, SwaksTls)
SENDER = f"carl@{HONEST}"
REFUSED = tuple(range(20, 40))
"""swaks' exit statuses for refusals: 23 MAIL, 24 RCPT, 26 DATA, 28 AUTH, 29 STARTTLS…"""


def swaks(
    server: MailfoldServer,
    port: int,
    sender: str,
    recipient: str,
    message_id: str,
    *more: str,
    ok: tuple[int, ...] = (0,),
) -> str:
    """Send one mail."""
    where = ("--server", "127.0.0.1", "--port", str(server.port(port)), "--helo", "client.honest.example")
    return run(
        SWAKS, *where, "--from", sender, "--to", recipient, "--header", f"Message-Id: <{message_id}>", *more, ok=ok
    )


def log_in(server: MailfoldServer, person: Person, password: str = "") -> tuple[str, ...]:
    """The options for AUTH with a verified certificate."""
    trust = ("--tls-verify", "--tls-ca-path", str(server.authority))
    return ("--auth-user", person.address, "--auth-password", password or person.password, *trust)


@pytest.mark.parametrize("tls", [(), ("--tls",)], ids=["plain", "STARTTLS"])
def test_port_25(server: MailfoldServer, ann: Person, tls: tuple[str, ...]) -> None:
    message_id = f"swaks-25-{len(tls)}@tests.example"
    swaks(server, SMTP, SENDER, ann.address, message_id, *tls)
    with server.imap(ann) as imap:
        imap.wait_for(message_id)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("port", "tls"), [(SUBMISSION, "--tls"), (SUBMISSIONS, "--tls-on-connect")])
def test_submission(server: MailfoldServer, ann: Person, port: int, tls: str, mechanism: str) -> None:
    message_id = f"swaks-{port}-{mechanism}@tests.example"
    swaks(server, port, ann.address, ann.address, message_id, tls, "--auth", mechanism, *log_in(server, ann))
    with server.imap(ann) as imap:
        imap.wait_for(message_id)


def test_a_wrong_password(server: MailfoldServer, ann: Person) -> None:
    reported = swaks(
        server,
        SUBMISSIONS,
        ann.address,
        ann.address,
        "x@y",
        "--tls-on-connect",
        "--auth",
        "PLAIN",
        *log_in(server, ann, "no"),
        ok=REFUSED,
    )
    assert "535 5.7.8" in reported


def test_an_unknown_recipient(server: MailfoldServer) -> None:
    assert "550 5.1.1" in swaks(server, SMTP, SENDER, "nobody@example.org", "x@y", ok=REFUSED)


def test_an_attachment_by_pipelining(server: MailfoldServer, ann: Person) -> None:
    message_id = "swaks-pipeline@tests.example"
    swaks(
        server, SMTP, SENDER, ann.address, message_id, "--pipeline", "--attach-body", "text", "--attach", f"@{__file__}"
    )
    with server.imap(ann) as imap:
        assert b"test_swaks.py" in imap.fetch(imap.wait_for(message_id), "BODYSTRUCTURE")
