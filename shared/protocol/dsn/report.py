"""Builds a delivery status notification: a multipart/report for people and for programs (RFC 3464, RFC 6522)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from shared.protocol.smtp.trace_header import date_time

_REPORTED_HEADER = 64 * 1024
_REPORTED_MESSAGE = 256 * 1024
_FIELD = 900


class Undelivered(msgspec.Struct, frozen=True):
    """One recipient, and why it was not delivered."""

    recipient: str
    status: str
    """The enhanced status code, such as `5.2.2` (RFC 3463)."""
    reason: str
    action: str = "failed"
    orcpt: str = ""
    """ORCPT as the sender gave it: `rfc822;ann@example.org` (RFC 3461 §4.2)."""


class Original(msgspec.Struct, frozen=True):
    """The mail that could not be delivered."""

    queue_id: str
    sender: str
    arrived: int
    """The time of acceptance in UTC microseconds."""
    header: bytes
    """The header of the mail."""
    body: bytes = b""
    """The body of the mail when the sender asked for RET=FULL (RFC 3461 §4.3)."""
    envid: str = ""
    subject: str = ""


class Reporter(msgspec.Struct, frozen=True):
    """The reporting server and the time."""

    host: str
    now: int
    """The present time in UTC microseconds."""
    message_id: str
    boundary: str


def build(original: Original, fates: tuple[Undelivered, ...], reporter: Reporter) -> bytes:
    """The whole notification with CRLF line ends. Only the part with the original mail may have 8-bit octets."""
    parts = (_for_people(original, fates, reporter), _for_machines(original, fates, reporter), _returned(original))
    edge = b"--" + reporter.boundary.encode()
    return _header(original, reporter) + b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


def _header(original: Original, reporter: Reporter) -> bytes:
    return _lines(
        f"From: Mail Delivery System <MAILER-DAEMON@{reporter.host}>",
        f"To: <{_plain(original.sender)}>",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {_moment(reporter.now)}",
        f"Message-ID: <{reporter.message_id}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Transfer-Encoding: 8bit",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{reporter.boundary}"',
        "",
        "This is a report in MIME format.",
        "",
    )


def _for_people(original: Original, fates: tuple[Undelivered, ...], reporter: Reporter) -> bytes:
    reported = [
        line
        for fate in fates
        for line in (f"<{_plain(fate.recipient)}>", f"    {_plain(fate.reason)} ({fate.status})", "")
    ]
    return _lines(
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"This is the mail system at {reporter.host}.",
        "",
        "Your message could not be delivered to:",
        "",
        *reported,
        f"Its queue id here was {original.queue_id}; the operator can look up what happened to it under that id.",
    )


def _for_machines(original: Original, fates: tuple[Undelivered, ...], reporter: Reporter) -> bytes:
    envelope = [f"Original-Envelope-Id: {_ascii(original.envid)}"] if original.envid else []
    fields = [
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {reporter.host}",
        *envelope,
        f"Arrival-Date: {_moment(original.arrived)}",
    ]
    for fate in fates:
        address_type = "rfc822" if fate.recipient.isascii() else "utf-8"
        fields += ["", *([f"Original-Recipient: {_ascii(fate.orcpt)}"] if fate.orcpt else [])]
        fields += [
            f"Final-Recipient: {address_type}; {_ascii(fate.recipient)}",
            f"Action: {fate.action}",
            f"Status: {fate.status}",
        ]
        fields += [f"Diagnostic-Code: x-mailfold; {_ascii(fate.reason)}"]
    return _lines(*fields)


def _returned(original: Original) -> bytes:
    if original.body and len(original.header) + len(original.body) <= _REPORTED_MESSAGE:
        return (
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            + original.header
            + b"\r\n"
            + original.body
        )
    return (
        b"Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + original.header[:_REPORTED_HEADER]
    )


def _lines(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def _plain(text: str) -> str:
    """The text without characters that could end a line or begin a field, short enough for a line (998 octets).

    RFC 5322 §2.1.1 limits lines.
    """
    clean = "".join(character if character.isprintable() else " " for character in text[:_FIELD])
    return clean.encode()[:_FIELD].decode(errors="ignore")


def _ascii(text: str) -> str:
    """The text for a 7-bit field; other characters are written as utf-8-addr-xtext (RFC 6533 §3)."""
    return "".join(character if character.isascii() else f"\\x{{{ord(character):X}}}" for character in _plain(text))[
        :_FIELD
    ]


def _moment(micros: int) -> str:
    return date_time(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=micros // 1_000_000))
