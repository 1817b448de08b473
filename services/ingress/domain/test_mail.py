"""The text of a test mail, with which an operator tries whether mail is sent."""

from __future__ import annotations

from services.ingress.domain.prefix import moment
from shared.protocol.address.address import Address
from shared.protocol.smtp.trace_header import date_time

SUBJECT = "Test mail from Mailfold"
_BODY = """\
The operator of {hostname} tries with this mail whether its mail arrives.
It was written by the server itself. There is nothing to do.
"""


def test_mail_text(sender: Address, recipient: Address, message_id: str, hostname: str, at: int) -> bytes:
    """The mail with CRLF; `at` is its date in UTC microseconds. It is not ASCII only when an address is not."""
    lines = (
        f"From: <{sender}>",
        f"To: <{recipient}>",
        f"Subject: {SUBJECT}",
        f"Date: {date_time(moment(at))}",
        f"Message-ID: <{message_id}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        *_BODY.format(hostname=hostname).splitlines(),
    )
    return "".join(f"{line}\r\n" for line in lines).encode()
