"""Decides the reply to RCPT."""

from __future__ import annotations

from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply
from shared.routing.resolution import ResolutionKind

_REFUSALS = {
    ResolutionKind.UNKNOWN: replies.no_such_mailbox,  # 550 5.1.1
    ResolutionKind.DISABLED: replies.mailbox_disabled,  # 550 5.2.1
    ResolutionKind.OUTGOING_ONLY: replies.relay_denied,  # 550 5.7.1
    ResolutionKind.REMOTE: replies.relay_denied,
}
_OPEN_TO_USERS = frozenset({ResolutionKind.REMOTE, ResolutionKind.OUTGOING_ONLY})


def admission(kind: ResolutionKind, *, is_authenticated: bool) -> Reply:
    """The refusal of a recipient, or None.

    Everybody may write to our accounts; only users may write to other servers (no open relay).
    """
    if kind is ResolutionKind.ACCOUNTS or (is_authenticated and kind in _OPEN_TO_USERS):
        return replies.recipient_accepted()
    return _REFUSALS[kind]()
