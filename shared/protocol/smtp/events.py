"""The events of a session.

An event whose docstring says *answer* blocks the session until ``ServerSession.answer`` is called. Refused, Answered
and AuthCancelled are already decided; the caller only writes ``reply.encode()``.
"""

import enum
from typing import Final

import msgspec

from shared.protocol.smtp.body import BodyFlags
from shared.protocol.smtp.commands import Command, Ehlo, Helo, Mail, Rcpt, SmtpTransaction
from shared.protocol.smtp.reply import Reply


class Wait(enum.Enum):
    """Why there is no event."""

    DATA = "the client must send more"
    ANSWER = "the caller must answer the last event"
    TLS = "the caller must finish the TLS handshake"
    CLOSED = "the session is over: write what is left and close"


NEED_DATA: Final = Wait.DATA
NEED_ANSWER: Final = Wait.ANSWER


class SessionMisuse(RuntimeError):
    """The caller misused the session: it answered without a question, or accepted what must be refused."""


class Greeted(msgspec.Struct, frozen=True, gc=False):
    """HELO or EHLO. *Answer* with ``acceptance``, or refuse."""

    hello: Helo | Ehlo
    acceptance: Reply


class MailFrom(msgspec.Struct, frozen=True, gc=False):
    """A valid MAIL. *Answer.*"""

    mail: Mail


class RcptTo(msgspec.Struct, frozen=True, gc=False):
    """RCPT within the limit of recipients. *Answer.*"""

    rcpt: Rcpt


class StartData(msgspec.Struct, frozen=True, gc=False):
    """A message is about to be sent. *Answer* with ``replies.start_mail_input()``, or refuse.

    The same answer is given for BDAT, but it is not sent to the client.
    """

    transaction: SmtpTransaction
    chunked: bool


class BodyChunk(msgspec.Struct, frozen=True, gc=False):
    """Octets of the message, decoded. There are none once the message must be refused."""

    data: bytes


class BodyEnd(msgspec.Struct, frozen=True, gc=False):
    """The message is complete. *Answer*; when ``refusal`` is set the message was cut off and must be refused."""

    transaction: SmtpTransaction
    size: int  # octets
    flags: BodyFlags
    refusal: Reply | None


class TransactionAborted(msgspec.Struct, frozen=True, gc=False):
    """The open transaction was aborted (RSET, EHLO, a refused chunk): forget its envelope and octets."""


class StartTlsRequested(msgspec.Struct, frozen=True, gc=False):
    """STARTTLS. *Answer* with ``replies.ready_for_tls()``, write, do the handshake, call ``tls_started``; or refuse."""


class AuthStarted(msgspec.Struct, frozen=True, gc=False):
    """AUTH. *Answer* with a challenge, ``replies.authenticated()`` or a refusal.

    ``initial`` is base64, and secret.
    """

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        return f"AuthStarted(mechanism={self.mechanism!r}, initial={'None' if self.initial is None else '***'})"


class AuthLine(msgspec.Struct, frozen=True, gc=False):
    """The client's response to a challenge, in base64, and secret. *Answer* as to AuthStarted."""

    line: bytes

    def __repr__(self) -> str:
        return "AuthLine(line=***)"


class AuthCancelled(msgspec.Struct, frozen=True, gc=False):
    """The client cancelled the exchange or violated its rules. Already answered with ``reply``."""

    reply: Reply


class QuitRequested(msgspec.Struct, frozen=True, gc=False):
    """QUIT. *Answer* with ``replies.closing()``; then the session is over."""


class RefusedCommand(msgspec.Struct, frozen=True, gc=False):
    """The session itself refused something with ``reply``."""

    reply: Reply


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The session itself answered ``command`` with ``reply``."""

    command: Command
    reply: Reply


Event = (
    Greeted
    | MailFrom
    | RcptTo
    | StartData
    | BodyChunk
    | BodyEnd
    | TransactionAborted
    | StartTlsRequested
    | AuthStarted
    | AuthLine
    | AuthCancelled
    | QuitRequested
    | RefusedCommand
    | Answered
)
Question = (
    Greeted | MailFrom | RcptTo | StartData | BodyEnd | StartTlsRequested | AuthStarted | AuthLine | QuitRequested
)
