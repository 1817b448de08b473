"""The mail transaction of a session: sender, recipients and message (RFC 5321 §3.3)."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingress.domain.admission import admission
from services.ingress.domain.client import SmtpClient
from services.ingress.domain.envelope import octets
from services.ingress.domain.recipient_sizes import RecipientSizes
from services.ingress.endpoints.dependencies import Dependencies
from services.ingress.handlers.acceptance import Arrived
from services.ingress.handlers.bounce_admission import is_return_path
from services.ingress.handlers.checks import SpfAnswer
from services.ingress.handlers.intake import Intake
from shared.eventstore.connection import StoreUnavailable
from shared.grpc.errors import ServiceError
from shared.network.address import network_of
from shared.network.wire import Wire
from shared.protocol.address.address import Address
from shared.protocol.smtp import replies
from shared.protocol.smtp.commands import Mail, Rcpt, SmtpTransaction
from shared.protocol.smtp.events import BodyEnd
from shared.protocol.smtp.reply import Reply, with_cause
from shared.routing.known_lists import KnownList
from shared.routing.resolution import ResolutionKind, Target


class MailTransaction:
    """The transaction of a session; `forget` prepares it for the next one."""

    def __init__(self, dependencies: Dependencies, client: SmtpClient, wire: Wire) -> None:
        self._dependencies = dependencies
        self._client = client
        self._wire = wire
        self._mail = Mail(None)
        self._spf: SpfAnswer | None = None
        self._intake: Intake | None = None
        self._envelope = 0
        self._list: KnownList | None = None
        """The mailing list that is the only recipient of a mail from another server."""
        self._is_sent_on = False
        """Whether copies for members of a list, or by an alias, may leave this server again."""
        self._accounts: dict[Address, str] = {}
        """The ids of the accounts that had the addresses of recipients at RCPT."""
        self._sole_account = ""
        """The id of the account that alone gets the mail."""
        self._sizes = RecipientSizes()
        self.sender = ""
        """The reverse-path, for the records of refusals."""
        self.began: float | None = None
        """The monotonic time at which a message began; None while none is being received."""

    @property
    def is_open(self) -> bool:
        """Whether a message is being received."""
        return self._intake is not None

    async def begin(self, mail: Mail) -> Reply:
        """The reply to MAIL."""
        self.forget()
        if shortage := self._dependencies.room.shortage(mail.size or 0):
            return with_cause(replies.storage_full(), shortage)  # RFC 1870 §6.1: refuse before the body is sent
        if self._client.is_authenticated:
            refusal = await self._sender_refusal(mail.reverse_path) or await self._hold_refusal(mail)
            if refusal is not None:
                return refusal
        self._mail = mail
        self.sender = str(mail.reverse_path or "")
        return replies.sender_accepted()

    async def recipient(self, rcpt: Rcpt) -> Reply:
        """The reply to RCPT."""
        envelope = self._envelope + octets(rcpt)
        if envelope > self._dependencies.settings.max_envelope_bytes:
            return replies.too_many_recipients()
        reply, targets = await self._admission(rcpt.forward_path)
        if reply.is_positive:
            reply = await self._list_refusal(rcpt.forward_path, targets) or reply
        if reply.is_positive:
            limit = self._dependencies.directory.recipient_size_limit(rcpt.forward_path)
            reply = self._sizes.refusal(limit, self._mail.size or 0) or reply
        if reply.is_positive:
            self._sole_account = targets[0].account if not self._envelope and len(targets) == 1 else ""
            self._envelope = envelope
            self._is_sent_on |= any(target.list_id or target.is_remote for target in targets)
            self._begin_spf()
        return reply

    async def _admission(self, address: Address) -> tuple[Reply, Sequence[Target]]:
        """The reply to a recipient, and where its mail goes if the address is ours."""
        dependencies, is_authenticated = self._dependencies, self._client.is_authenticated
        resolution = dependencies.directory.known(address, for_user=is_authenticated)
        network, now = network_of(self._client.address), dependencies.clock.monotonic()
        if resolution is None and dependencies.unknown_recipients.are_too_many(network, now):
            return replies.too_many_unknown_recipients(), ()
        try:
            resolution = resolution or await dependencies.directory.resolve(address)
            if is_return_path(address, resolution.kind):
                reply = await dependencies.bounces.reply(address, self._mail.reverse_path, network)
            else:
                reply = admission(resolution.kind, is_authenticated=is_authenticated)
        except ServiceError as error:
            return with_cause(replies.recipient_deferred(), f"directory: {error}"), ()
        if not reply.is_positive:
            dependencies.unknown_recipients.add(network, now)
            return reply, ()
        if resolution.account:
            self._accounts[address] = resolution.account
        targets = resolution.targets if resolution.kind is ResolutionKind.ACCOUNTS else ()
        return await dependencies.mailbox_room.refusal(address, targets, self._mail.size or 0) or reply, targets

    async def _list_refusal(self, address: Address, targets: Sequence[Target]) -> Reply | None:
        """The refusal of a recipient because of mailing lists, or None.

        A list gets mail from another server in a transaction of its own, because it may be refused after its end.
        """
        lists, is_authenticated = self._dependencies.lists, self._client.is_authenticated
        try:
            known = lists.list_of(address, targets)
            if known is None:
                return replies.list_alone() if self._list is not None else None
            if self._envelope and not is_authenticated:
                return replies.list_alone()
            refusal = await lists.at_recipient(known, self._client, self._mail.reverse_path, self._mail.size or 0)
        except ServiceError as error:
            return with_cause(replies.recipient_deferred(), f"directory: {error}")
        self._list = known if refusal is None and not is_authenticated else None
        return refusal

    def _begin_spf(self) -> None:
        if self._spf is None and not self._client.is_authenticated:
            self._spf = self._dependencies.checks.begin_spf(self._client, self._mail.reverse_path)

    def start(self, _transaction: SmtpTransaction) -> Reply:
        """The reply to DATA or the first BDAT."""
        dependencies = self._dependencies
        self._intake = Intake(
            dependencies.blobs.writer(),
            dependencies.settings.max_header_bytes,
            dependencies.authserv_ids,
            submitted=self._client.is_authenticated,
            is_sent_on=self._is_sent_on,
        )
        self.began = dependencies.clock.monotonic()
        return replies.start_mail_input()

    def take(self, data: bytes) -> None:
        """Take octets of the message."""
        intake = self._intake
        if intake is None:
            return
        had_authorship = intake.authorship is not None
        intake.feed(data)
        if intake.authorship is not None and not had_authorship:
            self._dependencies.checks.prefetch(intake.authorship)

    async def finish(self, event: BodyEnd) -> Reply:
        """The reply to the end of the message."""
        intake, spf, wire, sizes, known = self._intake, self._spf, self._wire, self._sizes, self._list
        self.began = None
        if event.refusal is not None or intake is None:
            self.forget()
            return event.refusal or replies.try_later()
        self._intake, self._spf = None, None  # they belong to the acceptance now
        arrived = Arrived(
            self._client,
            event.transaction,
            self._accounts,
            event.flags,
            intake,
            spf,
            lambda: wire.is_lost,
            sizes,
            known,
            self._sole_account,
        )
        return await self._dependencies.acceptance.accept(arrived)

    def fail(self, refusal: Reply) -> None:
        """Note an unexpected error; the message will be refused at its end."""
        if self._intake is not None:
            self._intake.failure = refusal

    def forget(self) -> None:
        """End the transaction."""
        if self._intake is not None:
            self._intake.abort()
        self.began = None
        if self._spf is not None:
            self._spf.cancel()
        self._intake, self._spf = None, None
        self._mail, self._envelope, self.sender = Mail(None), 0, ""
        self._list = None
        self._is_sent_on = False
        self._accounts = {}
        self._sole_account = ""
        self._sizes = RecipientSizes()

    async def _hold_refusal(self, mail: Mail) -> Reply | None:
        """The refusal of a time of release (RFC 4865), or None."""
        try:
            return await self._dependencies.waiting.refusal_of(mail.hold, self._client.account, mail.size or 0)
        except StoreUnavailable as error:
            return with_cause(replies.try_later(), f"event store: {error}")

    async def _sender_refusal(self, reverse_path: Address | None) -> Reply | None:
        """The refusal of a reverse-path, or None.

        A user may send as an own address, or with the null reverse-path, while the log-in is valid.
        """
        ended = self._dependencies.directory.ended(self._client.log_in)
        if ended is not None:
            return replies.log_in_ended(ended)
        try:
            if not await self._dependencies.counts.has_room(self._client):
                return replies.too_much_submitted(self._client.mails_an_hour)
        except StoreUnavailable as error:
            return with_cause(replies.try_later(), f"event store: {error}")
        if reverse_path is None:
            return None
        try:
            refused = await self._dependencies.directory.not_owned(self._client.user, (reverse_path,))
        except ServiceError as error:
            return with_cause(replies.try_later(), f"directory: {error}")
        return replies.sender_not_owned() if refused else None
