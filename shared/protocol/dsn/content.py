"""The values from which a report is made."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from shared.protocol.dsn.action import DsnAction

_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_UNKNOWN_STATUS: Final = {DsnAction.FAILED: "5.0.0", DsnAction.DELAYED: "4.0.0"}
_SUCCESS: Final = "2.0.0"


class RecipientReport(msgspec.Struct, frozen=True):
    """One recipient, and what became of it. Texts may have any characters; the report replaces what it may not have."""

    recipient: str
    """The final recipient: the address that was tried."""
    status: str
    """The enhanced status code, such as `5.2.2` (RFC 3463)."""
    reason: str
    """What happened, in our words."""
    action: DsnAction = DsnAction.FAILED
    orcpt: str = ""
    """ORCPT as the sender gave it, decoded: `rfc822;ann@example.org` (RFC 3461 §4.2)."""
    remote: str = ""
    """The name of the server that was tried, when there was one."""
    reply: str = ""
    """The reply of that server in its own words, with its code; lines are separated by LF."""
    last_attempt: int | None = None
    """The time of the last attempt in UTC microseconds."""
    retry_until: int | None = None
    """Until when a delayed message is tried, in UTC microseconds."""

    @property
    def checked_status(self) -> str:
        """The status, or the unspecific one of its action when it has no valid form."""
        if _STATUS.fullmatch(self.status):
            return self.status
        return _UNKNOWN_STATUS.get(self.action, _SUCCESS)


class Original(msgspec.Struct, frozen=True):
    """The mail that is reported about."""

    queue_id: str
    sender: str
    """The reverse-path of the mail. No report is made about a mail with a null reverse-path."""
    arrived: int
    """The time of acceptance in UTC microseconds."""
    header: bytes
    """The header of the mail; b"" when it is not returned."""
    body: bytes = b""
    """The body of the mail when the sender asked for RET=FULL (RFC 3461 §4.3)."""
    envid: str = ""
    """ENVID as the sender gave it, decoded."""
    subject: str = ""
    smtputf8: bool = False
    """The mail came with SMTPUTF8, so its sender can read a report in UTF-8 (RFC 6533)."""
    content_withheld: bool = False
    """Neither body nor subject is returned, because the sender demanded TLS on the whole way (REQUIRETLS, RFC 8689
    §5). A report that leaves without REQUIRETLS has no header either: pass b""."""

    @property
    def is_international(self) -> bool:
        """Whether the report is written in the forms of RFC 6533."""
        return self.smtputf8 or not self.sender.isascii()


class Reporter(msgspec.Struct, frozen=True):
    """The reporting server and the time."""

    host: str
    author: str
    """The address in From: a real one of ours, such as `postmaster@example.org`."""
    now: int
    """The present time in UTC microseconds."""
    message_id: str
    boundary: str
    """The boundary of the parts. Nobody can predict it, so the returned mail does not contain it."""
