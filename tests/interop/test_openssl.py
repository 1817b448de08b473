"""openssl s_client: handshakes with and without STARTTLS, and old versions that are refused."""

from __future__ import annotations

import pytest

from tests.harness.ports import IMAPS, SMTP, SUBMISSION, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.interop.program import run
from tests.parts.clients import OPENSSL
from tests.parts.required import needs

needs(OPENSSL)
PORTS = {SMTP: ("-starttls", "smtp"), SUBMISSION: ("-starttls", "smtp"), SUBMISSIONS: (), IMAPS: ()}
FAILED = (0, 1)


def handshake(server: MailfoldServer, port: int, *words: str, ok: tuple[int, ...] = (0,)) -> str:
    """Connect, verify the certificate, and close."""
    where = ("-connect", f"127.0.0.1:{server.port(port)}", "-servername", "localhost", *PORTS[port])
    trust = ("-CAfile", server.authority, "-verify_return_error", "-verify_hostname", "localhost")
    return run(OPENSSL, "s_client", *where, *trust, *words, text="QUIT\n", ok=ok)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("port", PORTS)
def test_the_certificate_is_verified(server: MailfoldServer, port: int, version: str) -> None:
    assert "Verify return code: 0 (ok)" in handshake(server, port, version)


@pytest.mark.parametrize("port", PORTS)
def test_old_versions_are_refused(server: MailfoldServer, port: int) -> None:
    reported = handshake(server, port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", ok=FAILED)
    assert "no peer certificate available" in reported and "Cipher is (NONE)" in reported, reported
