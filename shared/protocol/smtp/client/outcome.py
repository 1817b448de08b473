"""The outcomes of a transaction and of a session, as values."""

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.commands import Rcpt
from shared.protocol.smtp.reply import Reply


class FailureCause(enum.Enum):
    """Why a session ended before its caller ended it."""

    CONNECT_REFUSED = "the greeting refused the connection"  # 4xx, 5xx; 421 too
    HELLO_REFUSED = "EHLO was refused"
    TLS_NOT_OFFERED = "TLS is required and not offered"
    TLS_REFUSED = "STARTTLS was refused"
    TLS_FAILED = "the TLS handshake failed"
    PLAINTEXT_INJECTED = "octets followed the reply to STARTTLS in the clear"  # RFC 3207 §4, CVE-2021-38371
    AUTH_NOT_OFFERED = "no mechanism for these credentials is offered"
    AUTH_REFUSED = "the credentials were refused"  # 5xx
    AUTH_TEMPORARY = "the credentials could not be checked now"  # 4xx
    CUT = "the connection was cut"
    TIME_OUT = "no reply in time"
    PROTOCOL_ERROR = "the server violated the protocol"
    CLOSING = "the server closes the connection"  # 421
    EARLY_REFUSAL = "the message was refused before its end"  # 4xx or 5xx while it was sent
    BAD_BODY = "the message has a CR or LF that is not part of CRLF"  # it cannot be sent by DATA


class ResultKind(enum.Enum):
    """What became of a recipient."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # 5xx
    DEFERRED = "deferred"  # 4xx, or the session failed before the end of the message
    PERHAPS_DELIVERED = "perhaps delivered"  # the session failed after the end of the message: a repeat may be a double
    UNSENT = "not sent"  # LIMITS or SMTPUTF8 demand another transaction for it, which may follow at once
    NEEDS_EIGHT_BIT = "needs 8BITMIME"  # the caller may re-encode the message
    NEEDS_BINARY = "needs BINARYMIME"  # likewise
    NEEDS_SMTPUTF8 = "needs SMTPUTF8"
    NEEDS_REQUIRE_TLS = "needs REQUIRETLS"
    TOO_LARGE = "larger than the server allows"
    UNSENDABLE = "cannot be written as a command"


# The statuses (RFC 3463 and the IANA registry) of results that no reply decided
_STATUS: Final[Mapping[ResultKind, str]] = {
    ResultKind.ACCEPTED: "2.0.0",
    ResultKind.REFUSED: "5.0.0",
    ResultKind.DEFERRED: "4.4.2",
    ResultKind.PERHAPS_DELIVERED: "4.4.2",
    ResultKind.UNSENT: "4.5.3",
    ResultKind.NEEDS_EIGHT_BIT: "5.6.3",
    ResultKind.NEEDS_BINARY: "5.6.3",
    ResultKind.NEEDS_SMTPUTF8: "5.6.7",  # RFC 6531 §3.5
    ResultKind.NEEDS_REQUIRE_TLS: "5.7.30",  # RFC 8689 §5
    ResultKind.TOO_LARGE: "5.3.4",
    ResultKind.UNSENDABLE: "5.5.4",
}


# A fault of the connection, of TLS or of the log-in is never a reason to return mail, so the class is 4; only a message
# that cannot be sent at all has 5.
_CAUSE_STATUS: Final[Mapping[FailureCause, str]] = {
    FailureCause.CONNECT_REFUSED: "4.3.2",
    FailureCause.HELLO_REFUSED: "4.3.2",
    FailureCause.TLS_NOT_OFFERED: "4.7.10",
    FailureCause.TLS_REFUSED: "4.7.10",
    FailureCause.TLS_FAILED: "4.7.5",
    FailureCause.PLAINTEXT_INJECTED: "4.7.0",
    FailureCause.AUTH_NOT_OFFERED: "4.7.9",
    FailureCause.AUTH_REFUSED: "4.7.8",
    FailureCause.AUTH_TEMPORARY: "4.7.0",
    FailureCause.CUT: "4.4.2",
    FailureCause.TIME_OUT: "4.4.2",
    FailureCause.PROTOCOL_ERROR: "4.5.0",
    FailureCause.CLOSING: "4.3.2",
    FailureCause.EARLY_REFUSAL: "4.3.0",
    FailureCause.BAD_BODY: "5.6.0",
}
_DECIDED_BY_REPLY: Final = frozenset(
    {FailureCause.CONNECT_REFUSED, FailureCause.HELLO_REFUSED, FailureCause.CLOSING, FailureCause.EARLY_REFUSAL}
)


def failure_status(cause: FailureCause, reply: Reply | None) -> str:
    """The enhanced status code of a failed session: the server's where it refused this host, else the cause's."""
    if reply is not None and cause in _DECIDED_BY_REPLY:
        return reply.status
    return _CAUSE_STATUS[cause]


class RecipientResult(msgspec.Struct, frozen=True):
    """What became of one recipient.

    ``reply`` is the server's reply that decided it, if one did, and ``cause`` the failure of the session.
    ``dsn_passed`` says whether the server took over the sender's requests for notifications (RFC 3461 §5.2).
    """

    recipient: Rcpt
    kind: ResultKind
    stage: Stage
    reply: Reply | None = None
    cause: FailureCause | None = None
    dsn_passed: bool = False
    text: str = ""  # of UNSENDABLE: the value that cannot be written

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463)."""
        if self.kind is ResultKind.PERHAPS_DELIVERED:
            return _STATUS[self.kind]
        if self.cause is not None:
            return failure_status(self.cause, self.reply)
        if self.reply is None:
            return _STATUS[self.kind]
        is_softened = self.kind is ResultKind.DEFERRED and not self.reply.is_transient  # 552 to RCPT
        return "4" + self.reply.status[1:] if is_softened else self.reply.status


class SessionFailure(Exception):
    """The session cannot go on. Only the parts of a session raise it, and ClientSession makes an event of it."""

    def __init__(self, cause: FailureCause, reply: Reply | None = None, text: str = "") -> None:
        super().__init__(cause, reply, text)
        self.cause = cause
        self.reply = reply
        self.text = text
