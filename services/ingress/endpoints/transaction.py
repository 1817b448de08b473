"""The mail transaction of a session: sender, recipients and message as the ingress sees them (RFC 5321 section 3.3)."""

from __future__ import annotations

from services.ingress.domain.admission import admission
from services.ingress.domain.client import ClientFacts
from services.ingress.domain.envelope import octets
from services.ingress.endpoints.connection import Connection
from services.ingress.endpoints.means import Means
from services.ingress.handlers.acceptance import Arrived
from services.ingress.handlers.checks import SpfAnswer
from services.ingress.handlers.intake import Intake
from shared.grpc.errors import ServiceError
from shared.network.address import network_of
from shared.protocol.address.address import Address
from shared.protocol.smtp import replies
from shared.protocol.smtp.commands import Mail, Rcpt
from shared.protocol.smtp.events import BodyEnd
from shared.protocol.smtp.reply import Reply, with_cause
from shared.protocol.smtp.transaction import Transaction


class MailTransaction:
    """One at a time for each session; `forget` makes it ready for the next."""

    def __init__(self, means: Means, client: ClientFacts, connection: Connection) -> None:
        self._means = means
        self._client = client
        self._connection = connection
        self._mail = Mail(None)
        self._spf: SpfAnswer | None = None
        self._intake: Intake | None = None
        self._envelope = 0
        self.sender = ""
        """The reverse-path, for facts."""

    @property
    def is_open(self) -> bool:
        """Whether a message is coming in."""
        return self._intake is not None

    async def begin(self, mail: Mail) -> Reply:
        """MAIL."""
        self.forget()
        if shortage := self._means.room.shortage(mail.size or 0):
            return with_cause(replies.storage_full(), shortage)  # RFC 1870 section 6.1: before the body comes
        refusal = await self._sender_refusal(mail.reverse_path) if self._client.is_authenticated else None
        if refusal is not None:
            return refusal
        self._mail = mail
        self.sender = str(mail.reverse_path or "")
        return replies.sender_accepted()

    async def recipient(self, rcpt: Rcpt) -> Reply:
        """RCPT."""
        envelope = self._envelope + octets(rcpt)
        if envelope > self._means.settings.max_envelope_bytes:
            return replies.too_many_recipients()
        reply = await self._admission(rcpt.forward_path)
        if reply.is_positive:
            self._envelope = envelope
            self._begin_spf()
        return reply

    async def _admission(self, address: Address) -> Reply:
        means, is_authenticated = self._means, self._client.is_authenticated
        kind = means.directory.known_kind(address, for_user=is_authenticated)
        network, now = network_of(self._client.address), means.clock.monotonic()
        if kind is None and means.unknown_recipients.are_too_many(network, now):
            return replies.too_many_unknown_recipients()
        try:
            reply = admission(kind or await means.directory.kind(address), is_authenticated=is_authenticated)
        except ServiceError as error:
            return with_cause(replies.recipient_deferred(), f"directory: {error}")
        if not reply.is_positive:
            means.unknown_recipients.add(network, now)
        return reply

    def _begin_spf(self) -> None:
        if self._spf is None and not self._client.is_authenticated:
            self._spf = self._means.checks.begin_spf(self._client, self._mail.reverse_path)

    def start(self, _transaction: Transaction) -> Reply:
        """DATA, or the first BDAT."""
        means = self._means
        is_user = self._client.is_authenticated
        on_header = None if is_user else means.checks.begin_dkim
        writer = means.blobs.writer()
        self._intake = Intake(writer, means.settings.max_header_bytes, means.authserv_ids, on_header, submitted=is_user)
        self._connection.transfer(under_way=True)
        return replies.start_mail_input()

    def take(self, data: bytes) -> None:
        """Octets of the message."""
        if self._intake is not None:
            self._intake.feed(data)

    async def finish(self, event: BodyEnd) -> Reply:
        """The end of the message."""
        intake, spf, connection = self._intake, self._spf, self._connection
        connection.transfer(under_way=False)
        if event.refusal is not None or intake is None:
            self.forget()
            return event.refusal or replies.try_later()
        self._intake, self._spf = None, None  # the acceptance's now
        arrived = Arrived(self._client, event.transaction, event.flags, intake, spf, lambda: connection.is_lost)
        return await self._means.acceptance.accept(arrived)

    def fail(self, refusal: Reply) -> None:
        """Something unexpected went wrong: what is coming in will be refused at its end."""
        if self._intake is not None:
            self._intake.failure = refusal

    def forget(self) -> None:
        """No transaction any more."""
        if self._intake is not None:
            self._intake.abort()
            self._connection.transfer(under_way=False)
        if self._spf is not None:
            self._spf.cancel()
        self._intake, self._spf = None, None
        self._mail, self._envelope, self.sender = Mail(None), 0, ""

    async def _sender_refusal(self, reverse_path: Address | None) -> Reply | None:
        """A user sends as an address of theirs, or as nobody (A12), while the log-in stands."""
        ended = self._means.directory.ended(self._client.log_in)
        if ended is not None:
            return replies.log_in_ended(ended)
        if reverse_path is None:
            return None
        try:
            refused = await self._means.directory.not_owned(self._client.user, (reverse_path,))
        except ServiceError as error:
            return with_cause(replies.try_later(), f"directory: {error}")
        return replies.sender_not_owned() if refused else None
