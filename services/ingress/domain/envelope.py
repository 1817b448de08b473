"""The envelope of a mail in the form of its event."""

from __future__ import annotations

import msgspec

from shared.events.mail import Recipient
from shared.protocol.smtp.commands import Notify, Rcpt

_encoder = msgspec.json.Encoder()
_ORDER = (Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)
_OUTCOME = 24
"""Octets by which a recipient may be longer in `mail.settled` than in the reception, including a comma."""


def recipient(rcpt: Rcpt) -> Recipient:
    """An accepted RCPT with its DSN parameters as written (RFC 3461)."""
    notify = ",".join(word.value for word in _ORDER if word in rcpt.notify) if rcpt.notify else ""
    orcpt = f"{rcpt.orcpt.address_type};{rcpt.orcpt.address}" if rcpt.orcpt else ""
    return Recipient(str(rcpt.forward_path), notify, orcpt)


def octets(rcpt: Rcpt) -> int:
    """The octets of a recipient in the largest event that contains it, as encoded for the bus."""
    return len(_encoder.encode(recipient(rcpt))) + _OUTCOME
