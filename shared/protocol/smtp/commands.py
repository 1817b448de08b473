"""The commands of SMTP as values, and what the accepted ones make: a transaction."""

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
    """RET= of MAIL: how much of the message a failed DSN returns (RFC 3461 §4.3)."""

    FULL = codes.RET_FULL
    HEADERS = codes.RET_HEADERS


class Notify(enum.Enum):
    """NOTIFY= of RCPT: what the sender wants to be told of (RFC 3461 §4.1). NEVER stands alone."""

    NEVER = codes.NOTIFY_NEVER
    SUCCESS = codes.NOTIFY_SUCCESS
    FAILURE = codes.NOTIFY_FAILURE
    DELAY = codes.NOTIFY_DELAY


class Orcpt(msgspec.Struct, frozen=True, gc=False):
    """ORCPT= of RCPT, decoded: the recipient as the sender first named it (RFC 3461 §4.2, RFC 6533 §3)."""

    address_type: str
    address: str


class Helo(msgspec.Struct, frozen=True, gc=False):
    """HELO: the client speaks SMTP without extensions."""

    name: str


class Ehlo(msgspec.Struct, frozen=True, gc=False):
    """EHLO: the client speaks ESMTP."""

    name: str


class Mail(msgspec.Struct, frozen=True, gc=False):
    """MAIL. The null reverse-path ``<>`` is None. ``size`` is octets; ``auth`` is AUTH= decoded, ``<>`` when no one is
    vouched for.
    """

    reverse_path: Address | None
    size: int | None = None
    body: BodyType | None = None
    smtputf8: bool = False
    ret: Ret | None = None
    envid: str | None = None
    auth: str | None = None


class Rcpt(msgspec.Struct, frozen=True, gc=False):
    """RCPT. ``notify`` is None when the sender asked for nothing in particular."""

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
    """NOOP; its argument means nothing."""


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
    """AUTH. ``initial`` is the initial response in base64 as it came, None when there was none. It is a secret: not
    shown.
    """

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        return f"Auth(mechanism={self.mechanism!r}, initial={'None' if self.initial is None else '***'})"


class SmtpTransaction(msgspec.Struct, frozen=True):
    """A mail transaction as its message begins (RFC 5321 §3.3): who speaks, the accepted MAIL and the accepted RCPTs in
    order.
    """

    hello: Helo | Ehlo
    mail: Mail
    recipients: tuple[Rcpt, ...]


class CommandError(Exception):
    """A line from the peer is not a command; ``reply`` says so to the peer. ``closes``: what follows cannot be told
    from data.
    """

    def __init__(self, reply: Reply, closes: bool = False) -> None:
        super().__init__(reply)
        self.reply = reply
        self.closes = closes


Command = Helo | Ehlo | Mail | Rcpt | Data | Bdat | Rset | Noop | Vrfy | Expn | Help | Quit | StartTls | Auth
