"""The server under load: where it listens and who may log in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from loadtest.content.profile import user_name
from loadtest.content.senders import CLIENT_ADDRESSES

PASSWORD = "the load test knows this"
"""Of every user the load test creates."""


@dataclass(frozen=True, slots=True)
class Target:
    """Addresses, ports and credentials. `sources` are the client addresses taken in turn; empty leaves it to the
    kernel.
    """

    host: str = "127.0.0.1"
    smtp_port: int = 10025
    imap_port: int = 10993
    imap_tls: bool = True
    starttls: bool = False
    smtp_login: bool = False
    """AUTH as the first user, for a submission port."""
    password: str = PASSWORD
    sources: tuple[str, ...] = CLIENT_ADDRESSES
    domain: str = "bench.test"
    users: int = 50

    def login(self, user: int) -> str:
        """The name this user logs in with: the full address."""
        return f"{user_name(user)}@{self.domain}"


def trusting_context() -> ssl.SSLContext:
    """TLS without a look at the certificate: the load test measures, it does not judge."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
