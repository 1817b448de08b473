"""What a session tells its shell.

An event that says *answer* blocks the session until ``ServerSession.answer`` is called. Refused, Answered and
AuthCancelled were decided here already: the shell writes ``reply.encode()``.
"""

import enum
from typing import Final

import msgspec

from shared.protocol.smtp.body import BodyFlags
from shared.protocol.smtp.commands import Command, Ehlo, Helo, Mail, Rcpt, SmtpTransaction
from shared.protocol.smtp.reply import Reply


class Wait(enum.Enum):
    """Why there is no event."""

    DATA = "the peer must send more"
    ANSWER = "the shell must answer the last event"
    TLS = "the shell must finish the TLS handshake"
    CLOSED = "the session is over: write what is left and close"


NEED_DATA: Final = Wait.DATA
NEED_ANSWER: Final = Wait.ANSWER


class SessionMisuse(RuntimeError):
    """Our own side broke the protocol: an answer where none is asked for, or an acceptance of what must be refused."""


class Greeted(msgspec.Struct, frozen=True, gc=False):
    """HELO or EHLO. *Answer* with ``acceptance``, or refuse."""

    hello: Helo | Ehlo
    acceptance: Reply


class MailFrom(msgspec.Struct, frozen=True, gc=False):
    """MAIL, fit for this session. *Answer.*"""

    mail: Mail


class RcptTo(msgspec.Struct, frozen=True, gc=False):
    """RCPT, below the limit of recipients. *Answer.*"""

    rcpt: Rcpt


class StartData(msgspec.Struct, frozen=True, gc=False):
    """A message is about to come. *Answer* with ``replies.start_mail_input()`` (for BDAT, too: it is not sent then), or
    refuse.
    """

    transaction: SmtpTransaction
    chunked: bool


class BodyChunk(msgspec.Struct, frozen=True, gc=False):
    """Octets of the message, decoded. None come once the message is bound to be refused."""

    data: bytes


class BodyEnd(msgspec.Struct, frozen=True, gc=False):
    """The message is complete. *Answer*; where ``refusal`` is set the message was cut off, and only a refusal may be
    answered.
    """

    transaction: SmtpTransaction
    size: int  # octets
    flags: BodyFlags
    refusal: Reply | None


class TransactionAborted(msgspec.Struct, frozen=True, gc=False):
    """The transaction that was open is gone (RSET, EHLO, a refused chunk): forget its envelope and the octets that
    came.
    """


class StartTlsRequested(msgspec.Struct, frozen=True, gc=False):
    """STARTTLS. *Answer* with ``replies.ready_for_tls()``, write, do the handshake, call ``tls_started``; or refuse."""


class AuthStarted(msgspec.Struct, frozen=True, gc=False):
    """AUTH. *Answer* with a challenge, ``replies.authenticated()`` or a refusal. ``initial`` is base64, and secret."""

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
    """The client gave the exchange up, or broke it. Already answered with ``reply``."""

    reply: Reply


class QuitRequested(msgspec.Struct, frozen=True, gc=False):
    """QUIT. *Answer* with ``replies.closing()``; the session is over then."""


class RefusedCommand(msgspec.Struct, frozen=True, gc=False):
    """The session refused something by itself, with ``reply``."""

    reply: Reply


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The session answered ``command`` by itself, with ``reply``."""

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
