"""Whether a recipient is admitted: the answer to RCPT."""

from __future__ import annotations

from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply
from shared.routing.resolution import Kind

_REFUSALS = {
    Kind.UNKNOWN: replies.no_such_mailbox,  # 550 5.1.1
    Kind.DISABLED: replies.mailbox_disabled,  # 550 5.2.1
    Kind.OUTGOING_ONLY: replies.relay_denied,  # 550 5.7.1
    Kind.REMOTE: replies.relay_denied,
}
_OPEN_TO_USERS = frozenset({Kind.REMOTE, Kind.OUTGOING_ONLY})


def admission(kind: Kind, *, is_authenticated: bool) -> Reply:
    """Everybody may write to our accounts; only users may write to others (no open relay)."""
    if kind is Kind.ACCOUNTS or (is_authenticated and kind in _OPEN_TO_USERS):
        return replies.recipient_accepted()
    return _REFUSALS[kind]()
