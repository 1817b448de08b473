"""The envelope of a mail as its event keeps it."""

from __future__ import annotations

import msgspec

from shared.events.mail import Recipient
from shared.protocol.smtp.commands import Notify, Rcpt

_encoder = msgspec.json.Encoder()
_ORDER = (Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)
_OUTCOME = 24
"""Octets by which `mail.settled` may say more of a recipient than the accepted RCPT does, a comma included."""


def recipient(rcpt: Rcpt) -> Recipient:
    """An accepted RCPT with its DSN parameters as they are written (RFC 3461)."""
    notify = ",".join(word.value for word in _ORDER if word in rcpt.notify) if rcpt.notify else ""
    orcpt = f"{rcpt.orcpt.address_type};{rcpt.orcpt.address}" if rcpt.orcpt else ""
    return Recipient(str(rcpt.forward_path), notify, orcpt)


def octets(rcpt: Rcpt) -> int:
    """What a recipient takes in the largest of the events that name it, as they go over the bus."""
    return len(_encoder.encode(recipient(rcpt))) + _OUTCOME
