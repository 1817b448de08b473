"""The events of a client session."""

import msgspec

from shared.protocol.smtp.client.capabilities import Capabilities
from shared.protocol.smtp.client.outcome import FailureCause, RecipientResult, failure_status
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.reply import Reply


class TlsNeeded(msgspec.Struct, frozen=True):
    """The caller does the TLS handshake now and calls ``tls_established`` or ``tls_failed``."""


class Ready(msgspec.Struct, frozen=True):
    """The session takes a transaction.

    ``tls_refusal`` is the reply by which an opportunistic STARTTLS was refused. ``mechanism`` is that of the log-in.
    """

    capabilities: Capabilities
    tls_active: bool
    tls_refusal: Reply | None = None
    mechanism: str | None = None


class BodyNeeded(msgspec.Struct, frozen=True):
    """The caller calls ``body`` any number of times, then ``end_body``. ``chunked``: by BDAT, else by DATA."""

    chunked: bool


class TransactionDone(msgspec.Struct, frozen=True):
    """A transaction is over: a result for each of its recipients, in their order.

    ``reusable``: another transaction may be sent now.
    """

    results: tuple[RecipientResult, ...]
    reusable: bool


class SessionFailed(msgspec.Struct, frozen=True):
    """The session is over.

    ``results`` has a result for each recipient of the transaction in progress, and is empty when there was none.
    ``text`` explains the cause where there is no reply.
    """

    stage: Stage
    cause: FailureCause
    reply: Reply | None = None
    text: str = ""
    results: tuple[RecipientResult, ...] = ()

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463)."""
        return failure_status(self.cause, self.reply)


class SessionClosed(msgspec.Struct, frozen=True):
    """QUIT was answered, or the server closed the connection instead. The caller closes the connection."""


ClientEvent = TlsNeeded | Ready | BodyNeeded | TransactionDone | SessionFailed | SessionClosed
