"""REPLACE (RFC 8508)."""

from shared.protocol.imap.append_pieces import AppendText
from shared.protocol.imap.commands import Command


class Replace(Command, frozen=True):
    """REPLACE or UID REPLACE: a new message takes the place of one message of the selected mailbox."""

    mailbox: str
    text: AppendText
    """The text up to the first literal."""
    number: int | None
    """The UID or sequence number of the message; None for `*`."""
    uid: bool = False
