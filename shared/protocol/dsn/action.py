"""What became of a recipient, and whether its sender is notified (RFC 3461 §4.1, RFC 3464 §2.3.3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.protocol.smtp import codes


class DsnAction(StrEnum):
    """The five values of the Action field; no other is allowed. The gravest come first."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"
    """Handed to a server that does not report success (RFC 3461 §5.2.2)."""
    EXPANDED = "expanded"
    """Delivered to an alias, which passes it on to several addresses."""
    DELIVERED = "delivered"


_REQUESTED_BY: Final = {
    DsnAction.FAILED: codes.NOTIFY_FAILURE,
    DsnAction.DELAYED: codes.NOTIFY_DELAY,
    DsnAction.RELAYED: codes.NOTIFY_SUCCESS,
    DsnAction.EXPANDED: codes.NOTIFY_SUCCESS,
    DsnAction.DELIVERED: codes.NOTIFY_SUCCESS,
}


def is_reported(notify: str, action: DsnAction) -> bool:
    """Whether the sender is to be notified of this action.

    `notify` is the value of NOTIFY for the recipient, such as `SUCCESS,FAILURE`, in any case; "" when there was none.
    Then failures are reported, as RFC 3461 §4.1 demands, and delays, as it allows.
    """
    requested = {word.strip() for word in notify.upper().split(",")} - {""}
    if not requested:
        return action in (DsnAction.FAILED, DsnAction.DELAYED)
    return codes.NOTIFY_NEVER not in requested and _REQUESTED_BY[action] in requested
