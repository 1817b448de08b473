"""The envelope of a mail in the form of its event."""

from __future__ import annotations

import msgspec

from shared.events.mail import Recipient
from shared.protocol.smtp.commands import Notify, Rcpt

_encoder = msgspec.json.Encoder()
_ORDER = (Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)
_ADDED = 34
"""Octets by which a recipient may be longer in an event than as it was written: by its account in the reception, or by
its outcome in `mail.settled` (24), including a comma."""


def recipient(rcpt: Rcpt, account: str = "") -> Recipient:
    """An accepted RCPT with its DSN parameters as written (RFC 3461), and the id of the account with its address."""
    notify = ",".join(word.value for word in _ORDER if word in rcpt.notify) if rcpt.notify else ""
    orcpt = f"{rcpt.orcpt.address_type};{rcpt.orcpt.address}" if rcpt.orcpt else ""
    return Recipient(str(rcpt.forward_path), notify, orcpt, account)


def octets(rcpt: Rcpt) -> int:
    """The octets of a recipient in the largest event that contains it, as encoded for the bus."""
    return len(_encoder.encode(recipient(rcpt))) + _ADDED
