"""A mail in wire form, made before the clock starts."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.content.mail import Mail


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """The two commands of the envelope, and the data with doubled dots and its end."""

    number: int
    user: int
    mail: bytes
    rcpt: bytes
    data: bytes


def render(mail: Mail) -> RenderedMail:
    """Renders one mail."""
    envelope = f"MAIL FROM:<{mail.reverse_path}>\r\n".encode(), f"RCPT TO:<{mail.forward_path}>\r\n".encode()
    return RenderedMail(mail.number, mail.user, *envelope, dotted(mail.data))


def dotted(data: bytes) -> bytes:
    """The data with a dot before each leading dot, and with the final line (RFC 5321 §4.5.2)."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")
