"""The commands of SMTP as values, and the transaction that accepted commands form."""

import enum

import msgspec

from shared.protocol.address.address import Address
from shared.protocol.smtp import codes
from shared.protocol.smtp.reply import Reply


class BodyType(enum.Enum):
    """BODY= of MAIL (RFC 6152 §2, RFC 3030 §3)."""

    SEVEN_BIT = codes.SEVEN_BIT
    EIGHT_BIT_MIME = codes.EIGHT_BIT_MIME
    BINARY_MIME = codes.BINARY_MIME


class Ret(enum.Enum):
    """RET= of MAIL: how much of the message a notification of failure returns (RFC 3461 §4.3)."""

    FULL = codes.RET_FULL
    HEADERS = codes.RET_HEADERS


class Notify(enum.Enum):
    """NOTIFY= of RCPT: the notifications that the sender requests (RFC 3461 §4.1). NEVER must be the only value."""

    NEVER = codes.NOTIFY_NEVER
    SUCCESS = codes.NOTIFY_SUCCESS
    FAILURE = codes.NOTIFY_FAILURE
    DELAY = codes.NOTIFY_DELAY


class Orcpt(msgspec.Struct, frozen=True, gc=False):
    """ORCPT= of RCPT, decoded: the recipient as first named by the sender (RFC 3461 §4.2, RFC 6533 §3)."""

    address_type: str
    address: str


class HoldFor(msgspec.Struct, frozen=True, gc=False):
    """HOLDFOR= of MAIL: the message is released so many seconds after its acceptance (RFC 4865 §3)."""

    seconds: int


class HoldUntil(msgspec.Struct, frozen=True, gc=False):
    """HOLDUNTIL= of MAIL: the message is released at this time, in UTC microseconds (RFC 4865 §3)."""

    at: int


class Helo(msgspec.Struct, frozen=True, gc=False):
    """HELO: the client uses SMTP without extensions."""

    name: str


class Ehlo(msgspec.Struct, frozen=True, gc=False):
    """EHLO: the client uses ESMTP."""

    name: str


class Mail(msgspec.Struct, frozen=True, gc=False):
    """MAIL.

    The null reverse-path ``<>`` is None. ``size`` is in octets. ``auth`` is AUTH= decoded, and ``<>`` when the
    submitter is unknown. ``require_tls`` asks for TLS with a verified server on the whole way (RFC 8689).
    """

    reverse_path: Address | None
    size: int | None = None
    body: BodyType | None = None
    smtputf8: bool = False
    ret: Ret | None = None
    envid: str | None = None
    auth: str | None = None
    hold: HoldFor | HoldUntil | None = None
    require_tls: bool = False


class Rcpt(msgspec.Struct, frozen=True, gc=False):
    """RCPT. ``notify`` is None when the sender did not give NOTIFY."""

    forward_path: Address
    notify: frozenset[Notify] | None = None
    orcpt: Orcpt | None = None


class Data(msgspec.Struct, frozen=True, gc=False):
    """DATA."""


class Bdat(msgspec.Struct, frozen=True, gc=False):
    """BDAT: ``size`` octets follow the line."""

    size: int
    last: bool


class Rset(msgspec.Struct, frozen=True, gc=False):
    """RSET."""


class Noop(msgspec.Struct, frozen=True, gc=False):
    """NOOP; its argument is ignored."""


class Vrfy(msgspec.Struct, frozen=True, gc=False):
    """VRFY."""

    text: str
    smtputf8: bool = False


class Expn(msgspec.Struct, frozen=True, gc=False):
    """EXPN."""

    text: str
    smtputf8: bool = False


class Help(msgspec.Struct, frozen=True, gc=False):
    """HELP."""


class Quit(msgspec.Struct, frozen=True, gc=False):
    """QUIT."""


class StartTls(msgspec.Struct, frozen=True, gc=False):
    """STARTTLS."""


class Auth(msgspec.Struct, frozen=True, gc=False):
    """AUTH.

    ``initial`` is the initial response in base64, or None; it is secret and not shown.
    """

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        return f"Auth(mechanism={self.mechanism!r}, initial={'None' if self.initial is None else '***'})"


class SmtpTransaction(msgspec.Struct, frozen=True):
    """A mail transaction when its message begins (RFC 5321 §3.3): the client, and the accepted MAIL and RCPTs."""

    hello: Helo | Ehlo
    mail: Mail
    recipients: tuple[Rcpt, ...]


class CommandError(Exception):
    """The line is not a valid command; ``reply`` is the reply to it.

    ``closes``: the session must end, because the following octets may be data or commands.
    """

    def __init__(self, reply: Reply, closes: bool = False) -> None:
        super().__init__(reply)
        self.reply = reply
        self.closes = closes


Command = Helo | Ehlo | Mail | Rcpt | Data | Bdat | Rset | Noop | Vrfy | Expn | Help | Quit | StartTls | Auth
