"""The server under load: its addresses and users."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from loadtest.content.profile import user_name
from loadtest.content.senders import CLIENT_ADDRESSES

PASSWORD = "the load test knows this"
"""The password of every user that the load test creates."""


@dataclass(frozen=True, slots=True)
class Target:
    """Addresses, ports and credentials.

    `sources` are client addresses that are used in turn; when empty, the kernel chooses.
    """

    host: str = "127.0.0.1"
    smtp_port: int = 10025
    imap_port: int = 10993
    imap_tls: bool = True
    starttls: bool = False
    smtp_login: bool = False
    """Whether to log in as the first user, for a submission port."""
    password: str = PASSWORD
    sources: tuple[str, ...] = CLIENT_ADDRESSES
    domain: str = "bench.test"
    users: int = 50

    def login(self, user: int) -> str:
        """The login name of this user, which is the full address."""
        return f"{user_name(user)}@{self.domain}"


def trusting_context() -> ssl.SSLContext:
    """A TLS context that does not verify the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
