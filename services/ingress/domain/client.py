"""An SMTP client, and how events and header fields describe it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from shared.events.mail import Client
from shared.eventstore.event import Actor
from shared.protocol.address.address import Address
from shared.protocol.smtp.trace_header import Hop, TraceTls, with_protocol
from shared.routing.log_ins import LogIn

_LONGEST_NAME = 255


@dataclass(slots=True)
class SmtpClient:
    """The client of a session. `user` is empty until the client has authenticated."""

    session: str
    address: str
    port: int
    listener: str
    hello: str = ""
    esmtp: bool = False
    tls: TraceTls | None = None
    user: str = ""
    account: str = ""
    account_address: str = ""
    log_in: LogIn | None = None
    mails_an_hour: int = 0
    """Mails that the client's account may submit in an hour; 0: no limit."""

    @property
    def is_authenticated(self) -> bool:
        """Whether the client has authenticated."""
        return bool(self.user)

    def hop(
        self,
        hostname: str,
        queue_id: str,
        at: datetime.datetime,
        *,
        smtputf8: bool = False,
        recipient: Address | None = None,
    ) -> Hop:
        """The reception of a message from this client (RFC 5321 §4.4)."""
        return Hop(
            hello=self.hello,
            client_address=self.address,
            client_name=None,
            hostname=hostname,
            queue_id=queue_id,
            at=at,
            esmtp=self.esmtp,
            tls=self.tls,
            authenticated=self.is_authenticated,
            smtputf8=smtputf8,
            recipient=recipient,
        )

    def as_event(self, hop: Hop | None = None) -> Client:
        """The client in the form of events, with the protocol of a reception."""
        protocol = with_protocol(hop) if hop else ""
        version, cipher = (self.tls.version, self.tls.cipher) if self.tls else ("", "")
        return Client(self.address, self.port, self.hello[:_LONGEST_NAME], protocol, version, cipher, self.listener)

    def actor(self) -> Actor:
        """The actor of this session."""
        if self.user:
            credential = self.log_in.credential if self.log_in is not None else ""
            return Actor("user", self.user, credential or self.account, self.session, self.address)
        return Actor("remote", session=self.session, address=self.address)
