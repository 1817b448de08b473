"""The report of a refused message (RFC 5429 §2.2): a message disposition notification (RFC 8098)."""

from __future__ import annotations

import msgspec

from shared.protocol.automatic.content import text_entity
from shared.protocol.automatic.fields import field, text_field
from shared.protocol.automatic.mail import Identity, NamedAddress
from shared.protocol.dsn.content import Original
from shared.protocol.dsn.returned import returned_part
from shared.protocol.dsn.text import original_recipient, typed_address

DISPOSITION = "automatic-action/MDN-sent-automatically; deleted"


class RefusedMessage(msgspec.Struct, frozen=True):
    """What is said about a refused message."""

    subject: str
    text: str
    """For people: what happened, and the reason of the script."""
    recipient: str
    """The address that refuses."""
    orcpt: str = ""
    message_id: str = ""
    """The id of the message, with brackets; empty when it has none."""
    reporter: str = ""
    """The name of this server."""


def refusal_report(
    sender: NamedAddress,
    to: NamedAddress,
    refusal: RefusedMessage,
    original: Original,
    identity: Identity,
    boundary: str,
) -> bytes:
    """The whole notification with CRLF line ends. The message that it returns is as it was received (§2.4)."""
    parts = [text_entity(refusal.text), _for_programs(refusal, international=original.is_international)]
    returned = returned_part(original, with_body=False)
    if returned:
        parts.append(returned)
    edge = b"--" + boundary.encode("ascii")
    body = b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts)
    header = [
        field("From", sender.words),
        field("To", to.words),
        text_field("Subject", refusal.subject),
        field("Date", [identity.date]),
        field("Message-ID", [f"<{identity.message_id}>"]),
        field("In-Reply-To", [refusal.message_id]) if refusal.message_id else b"",
        field("Auto-Submitted", ["auto-replied"]),
        field("MIME-Version", ["1.0"]),
        field("Content-Transfer-Encoding", ["7bit" if body.isascii() else "8bit"]),
        field("Content-Type", ["multipart/report;", "report-type=disposition-notification;", f'boundary="{boundary}"']),
    ]
    return b"".join(header) + b"\r\n" + body + edge + b"--\r\n"


def _for_programs(refusal: RefusedMessage, *, international: bool) -> bytes:
    """message/disposition-notification (RFC 8098 §3.1); an address that is not ASCII is of type utf-8 (RFC 6533)."""
    lines = [field("Reporting-UA", [f"{refusal.reporter};", "Mailfold"])]
    original = original_recipient(refusal.orcpt, international=international) if refusal.orcpt else ""
    if original:
        lines.append(field("Original-Recipient", [original]))
    lines.append(field("Final-Recipient", typed_address(refusal.recipient, international=international).split(" ")))
    if refusal.message_id:
        lines.append(field("Original-Message-ID", [refusal.message_id]))
    lines.append(field("Disposition", DISPOSITION.split(" ")))
    block = b"".join(lines)
    kind = "global-disposition-notification" if international else "disposition-notification"
    encoding = "7bit" if block.isascii() else "8bit"
    head = f"Content-Type: message/{kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + block
