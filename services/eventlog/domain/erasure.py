"""Which copies of events go with a deleted account, and what remains of the others."""

from __future__ import annotations

from services.eventlog.domain.names import names_of
from shared.erasure.log_erasure import Erased, is_own, without_place
from shared.erasure.mail_marks import Mark

_KEPT = ("erasure.", "mailbox.account_erased", "account.deleted")
"""What says that the account was erased; it has ids only."""
_LOG_INS = ("login.", "lockout.", "message.bodies_read", "message.searched", "app_password.")


def is_erased(event_type: str, stream: str, correlation: str, data: bytes, erased: Erased) -> bool:
    """Whether an event is about the account alone: about its mailboxes, its mails, its lessons or its log-ins."""
    if event_type.startswith(_KEPT):
        return False
    if is_own(stream, erased.account):
        return True
    if event_type.startswith(_LOG_INS) and erased.account.encode() in data:
        return True
    return erased.marks.of(stream, correlation, names_of(event_type, data).queue_id) is Mark.WHOLE


def remaining(actor: str, data: bytes, correlation: str, at: int, erased: Erased) -> tuple[str, bytes]:
    """The actor and the data of another event, without the account."""
    mark = erased.marks.of(correlation)
    return without_place(actor, erased.account, whole=False), erased.addresses.data(data, None if mark else at)
