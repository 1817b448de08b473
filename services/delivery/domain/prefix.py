"""The header lines a copy gets in front of the message, the newest on top (RFC 5321 §4.4). The shared blob is never
rewritten.
"""

from __future__ import annotations

from services.delivery.domain.mail import AcceptedMail
from shared.events.delivery import Step


def prefix(mail: AcceptedMail, step: Step) -> bytes:
    """The whole prefix of a local copy: a pure function of events, so a repeat writes the same bytes."""
    delivered_to = f"Delivered-To: {step.address}\r\n".encode()
    return f"Return-Path: <{mail.reverse_path}>\r\n".encode() + delivered_to + mail.spam_headers + mail.message.prefix


def notice_prefix(step: Step) -> bytes:
    """The prefix of a notification that is stored for a local sender: the null reverse-path."""
    return b"Return-Path: <>\r\n" + f"Delivered-To: {step.address}\r\n".encode()
