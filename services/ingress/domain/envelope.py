"""The envelope of a mail as its fact keeps it."""

from __future__ import annotations

from shared.events.mail import Recipient
from shared.protocol.smtp.commands import Notify, Rcpt

_ORDER = (Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)
_ROOM_PER_RECIPIENT = 40
"""Octets of JSON around the values of one recipient."""


def recipient(rcpt: Rcpt) -> Recipient:
    """An accepted RCPT with its DSN parameters as they are written (RFC 3461)."""
    notify = ",".join(word.value for word in _ORDER if word in rcpt.notify) if rcpt.notify else ""
    orcpt = f"{rcpt.orcpt.address_type};{rcpt.orcpt.address}" if rcpt.orcpt else ""
    return Recipient(str(rcpt.forward_path), notify, orcpt)


def octets(rcpt: Rcpt) -> int:
    """About what a recipient takes in the fact. Non-ASCII characters are counted as three octets."""
    text = str(rcpt.forward_path) + (rcpt.orcpt.address if rcpt.orcpt else "")
    return _ROOM_PER_RECIPIENT + (len(text) if text.isascii() else 3 * len(text))
