"""The commands that are allowed in each state, as a table."""

import enum
from collections.abc import Callable, Mapping
from typing import Final

from shared.protocol.smtp import replies
from shared.protocol.smtp.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
)
from shared.protocol.smtp.reply import Reply


class SmtpState(enum.Enum):
    """The state of a session. In the first six states it reads commands."""

    START = "no EHLO yet"
    READY = "no transaction"
    MAIL = "sender accepted, no recipient yet"
    RCPT = "at least one recipient"
    CHUNKS = "between two chunks of a message"
    CHUNKS_FAILED = "a chunk was refused"
    BODY = "in the octets of a message"
    SKIP = "in the octets of a refused chunk"
    AUTH = "in an authentication exchange"
    TLS = "in the TLS handshake"
    CLOSED = "over"


_READ_COMMANDS: Final = frozenset(
    {SmtpState.START, SmtpState.READY, SmtpState.MAIL, SmtpState.RCPT, SmtpState.CHUNKS, SmtpState.CHUNKS_FAILED}
)
# A client must wait for the reply to these commands, because it determines the meaning of the next octets: the
# extensions, the encryption, the user, and whether they are commands or a message (RFC 2920 §3.1, RFC 3207 §4, RFC 4954
# §4). The other commands that RFC 2920 names (NOOP, VRFY, EXPN, QUIT) do not change it, and clients do pipeline after
# them.
LAST_IN_GROUP: Final = frozenset({Helo, Ehlo, StartTls, Auth, Data})
IN_TRANSACTION: Final = frozenset({SmtpState.MAIL, SmtpState.RCPT, SmtpState.CHUNKS})

# RFC 5321 §4.1.4, RFC 3030 §2, RFC 3207 §4, RFC 4954 §4
ALLOWED: Final[Mapping[type[Command], frozenset[SmtpState]]] = {
    Helo: _READ_COMMANDS,
    Ehlo: _READ_COMMANDS,
    Rset: _READ_COMMANDS,
    Noop: _READ_COMMANDS,
    Vrfy: _READ_COMMANDS,
    Expn: _READ_COMMANDS,
    Help: _READ_COMMANDS,
    Quit: _READ_COMMANDS,
    StartTls: frozenset({SmtpState.READY}),
    Auth: frozenset({SmtpState.READY}),
    Mail: frozenset({SmtpState.READY}),
    Rcpt: frozenset({SmtpState.MAIL, SmtpState.RCPT}),
    Data: frozenset({SmtpState.RCPT}),
    Bdat: frozenset({SmtpState.RCPT, SmtpState.CHUNKS}),
}

_OUT_OF_PLACE: Final[Mapping[SmtpState, Callable[[], Reply]]] = {
    SmtpState.START: replies.send_hello_first,
    SmtpState.READY: replies.send_mail_first,
    SmtpState.MAIL: replies.transaction_under_way,
    SmtpState.RCPT: replies.transaction_under_way,
    SmtpState.CHUNKS: replies.chunks_under_way,
    SmtpState.CHUNKS_FAILED: replies.chunks_failed,
}
_WITHOUT_RECIPIENT: Final = frozenset({Data, Bdat})
# Commands that a client pipelined after a refused MAIL, RCPT or BDAT (RFC 2920 §3.1); it could not know of the refusal.
_FOLLOWERS: Final = frozenset({Rcpt, Data, Bdat})


def refusal_of(command: type[Command], state: SmtpState) -> Reply:
    """The reply to a command that the table does not allow in this state."""
    if state is SmtpState.MAIL and command in _WITHOUT_RECIPIENT:
        return replies.no_valid_recipients()
    return _OUT_OF_PLACE[state]()


def is_innocent(command: type[Command], state: SmtpState) -> bool:
    """Whether a command may be out of place only because the command before it was refused."""
    return command in _FOLLOWERS and state is not SmtpState.START
